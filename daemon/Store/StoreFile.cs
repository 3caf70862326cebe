// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;

namespace UsbHostd.Daemon.Store;

/// <summary>
/// The database as a file, before SQLite sees it: locked against a second daemon, and looked at without being written to. SQLite
/// itself would turn a journal into pages and create files beside it as soon as it reads.
/// </summary>
internal sealed class StoreFile : IDisposable
{
    private const int HeaderSize = 100;
    private const int UserVersionOffset = 60;
    private const int ApplicationIdOffset = 68;
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly FileStream heldLock;
    private readonly bool hadWal;

    private StoreFile(string path, FileStream heldLock, int version)
    {
        Path = path;
        Version = version;
        this.heldLock = heldLock;
        hadWal = File.Exists(WalPath);
    }

    public string Path { get; }

    /// <summary>
    /// user_version as it stands in the file; 0 for a new one. It is never only in the WAL, because migrations run with a
    /// rollback journal.
    /// </summary>
    public int Version { get; }

    private string WalPath => Path + "-wal";

    /// <summary>Takes the lock, refuses what isn't ours or is newer, and creates the file where there is none.</summary>
    /// <exception cref="StoreException">The file is as it was found.</exception>
    public static StoreFile Open(string path, int newestVersion)
    {
        var held = Lock(path);
        try
        {
            return new StoreFile(path, held, CheckHeader(path, newestVersion));
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    /// <summary>After a refused opening: takes away the empty WAL that SQLite has put beside the file.</summary>
    public void RemoveEmptyWal()
    {
        if (!hadWal && File.Exists(WalPath) && new FileInfo(WalPath).Length == 0)
        {
            File.Delete(WalPath);
        }
    }

    public void Dispose() => heldLock.Dispose();

    /// <summary>
    /// A lock file beside the database (FileShare.None is flock, which the kernel drops with the process, however it ends). With
    /// SQLite's own lock alone a second daemon would find out only after it had begun to recover the WAL; and reading the header
    /// here would drop that lock, as closing any descriptor of a file drops the process's fcntl locks on it.
    /// </summary>
    private static FileStream Lock(string path)
    {
        var folder = System.IO.Path.GetDirectoryName(path)!;
        try
        {
            Directory.CreateDirectory(folder, OwnerOnly | UnixFileMode.UserExecute);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StoreException($"{folder}: can't be created: {e.Message} Create it, owned by the daemon's user.", inner: e);
        }

        try
        {
            return new FileStream(path + ".lock", new FileStreamOptions
            {
                Mode = FileMode.OpenOrCreate,
                Access = FileAccess.ReadWrite,
                Share = FileShare.None,
                UnixCreateMode = OwnerOnly,
            });
        }
        catch (UnauthorizedAccessException e)
        {
            throw new StoreException($"{folder}: not writable for the daemon's user; the database {path} needs that. Correct its owner or mode.", inner: e);
        }
        catch (IOException e) when (e.HResult is WouldBlock)
        {
            throw new StoreException($"{path}: in use by another usbhostd. Stop that one first, or give this one another state directory.", inner: e);
        }
        catch (IOException e)
        {
            throw new StoreException($"{path}.lock: can't be created: {e.Message}", diskFull: IsNoSpace(e), inner: e);
        }
    }

    private static int CheckHeader(string path, int newestVersion)
    {
        Span<byte> header = stackalloc byte[HeaderSize];
        int length;
        try
        {
            using var file = new FileStream(path, new FileStreamOptions
            {
                Mode = FileMode.OpenOrCreate,
                Access = FileAccess.ReadWrite,
                Share = FileShare.ReadWrite,
                UnixCreateMode = OwnerOnly,
            });
            length = file.ReadAtLeast(header, HeaderSize, throwOnEndOfStream: false);
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException)
        {
            throw new StoreException($"{path}: can't be opened for reading and writing: {e.Message} Correct its owner or mode.", inner: e);
        }

        // Also what is left where the daemon was killed before its first transaction.
        if (length == 0)
        {
            return 0;
        }

        if (length < HeaderSize || !header.StartsWith("SQLite format 3\0"u8))
        {
            throw new StoreException($"{path}: not a database, or damaged at its very start. {LeftAsIs}");
        }

        var application = BinaryPrimitives.ReadInt32BigEndian(header[ApplicationIdOffset..]);
        if (application != StoreSchema.ApplicationId)
        {
            throw new StoreException($"{path}: a database of another program (application id 0x{application:x8}). {LeftAsIs}");
        }

        var version = BinaryPrimitives.ReadInt32BigEndian(header[UserVersionOffset..]);
        return version <= newestVersion ? version : throw new StoreException(
            $"{path}: written by a newer usbhostd (schema {version}; this one knows schemas up to {newestVersion}). "
            + "It is left as it was: install the newer version again, or move the file away to begin without claims.");
    }

    public const string LeftAsIs =
        "It is left as it was: put back a copy, or move it away to begin without claims; what guests hold then is kept and listed as recovered.";

    /// <summary>EWOULDBLOCK, as .NET puts errno into HResult.</summary>
    private const int WouldBlock = 11;

    public static bool IsNoSpace(Exception e) => e.HResult is 28 or 122;
}
