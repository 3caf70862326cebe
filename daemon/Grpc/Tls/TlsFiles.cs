// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Daemon.Linux;

namespace UsbHostd.Daemon.Grpc.Tls;

/// <summary>
/// Holds what the files last held in good order, and reads them again when one of them, or a link on the way, changes. Those who
/// renew certificates replace several files: <see cref="FolderWatch"/> waits until they have done so.
/// </summary>
internal sealed partial class TlsFiles : IDisposable
{
    private readonly TlsOptions options;
    private readonly ILogger logger;
    private readonly FolderWatch folders;
    private volatile TlsIdentity current;

    /// <exception cref="IOException">The files can't be used.</exception>
    public TlsFiles(TlsOptions options, TimeProvider time, ILogger logger)
    {
        this.options = options;
        this.logger = logger;

        // Other files are there too, which somebody may keep open; half a certificate is none, and those of before stay.
        folders = new FolderWatch(time, Reload, wholeOnly: false);

        // Watched before they are read: what changes in between is read twice, not missed. Every name there, not the three alone: a
        // mounted secret changes by a link that all of them go through.
        foreach (var folder in options.Files.Select(file => Path.GetDirectoryName(file)!).Distinct(StringComparer.Ordinal))
        {
            if (folders.Add(folder) is { } why)
            {
                NotWatched(logger, folder, why);
            }
        }

        try
        {
            current = TlsIdentity.Load(options);
        }
        catch (IOException)
        {
            Dispose();
            throw;
        }

        Loaded(logger, current.Subject, current.ValidUntil);
    }

    public TlsIdentity Current => current;

    public void Dispose() => folders.Dispose();

    private void Reload()
    {
        try
        {
            current = TlsIdentity.Load(options);
            Loaded(logger, current.Subject, current.ValidUntil);
        }
        catch (IOException unfit)
        {
            NotLoaded(logger, unfit.Message);
        }
    }

    [LoggerMessage(1310, LogLevel.Information, "TLS certificate of {Subject}, valid until {Until:u}")]
    private static partial void Loaded(ILogger logger, string subject, DateTime until);

    [LoggerMessage(1311, LogLevel.Error, "{Message}. The certificates of before stay in use until the files change again")]
    private static partial void NotLoaded(ILogger logger, string message);

    [LoggerMessage(1312, LogLevel.Warning, "{Folder} is not watched ({Message}): after a change there, restart usbhostd")]
    private static partial void NotWatched(ILogger logger, string folder, string message);
}
