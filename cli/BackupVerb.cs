// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using UsbHostd.Api;
using UsbHostd.Api.V1;

namespace UsbHostd.Cli;

/// <summary>backup: a copy of the daemon's database, in a file of the caller's.</summary>
internal static class BackupVerb
{
    private const int NoSpace = 28;
    private const int QuotaExceeded = 122;

    public static Command Create(CommandLine line)
    {
        var file = new Argument<string>("FILE") { Description = "Where the copy is written; what is there is replaced when the copy is whole" };
        var verb = line.Verb(
            new Command("backup", "Copy the daemon's database, as it is at one moment") { file },
            (session, parsed, cancellationToken) => WriteAsync(session, parsed.GetRequiredValue(file), cancellationToken));
        line.WithoutJson(verb);
        return verb;
    }

    /// <summary>Into another file first: where FILE is, there is a whole copy, and only its owner may read it.</summary>
    private static async Task<ExitCode> WriteAsync(Session session, string file, CancellationToken cancellationToken)
    {
        var part = $"{file}.{Path.GetRandomFileName()}";
        var isMade = false;
        try
        {
            await using var copy = session.Client.BackupAsync(new BackupRequest(), cancellationToken).GetAsyncEnumerator(cancellationToken);

            // A refusal leaves no file behind, so nothing is made before the first part is here.
            var isMore = await copy.MoveNextAsync();
            long size = 0;
            await using (var to = new FileStream(part, new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.Write,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            }))
            {
                isMade = true;
                for (; isMore; isMore = await copy.MoveNextAsync())
                {
                    await to.WriteAsync(copy.Current.Data.Memory, cancellationToken);
                    size += copy.Current.Data.Length;
                }

                to.Flush(flushToDisk: true);
            }

            File.Move(part, file, overwrite: true);
            isMade = false;
            session.Line($"{TerminalText.Escape(file)}: {Words.Number(size)} bytes");
            return ExitCode.Ok;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            var isFull = e.HResult is NoSpace or QuotaExceeded;
            ErrorReport.Write(
                session.Terminal, $"{file}: the copy could not be written: {e.Message}",
                isFull ? "make room there, or name a file elsewhere; no part of the copy was left" : "name a file in a folder that you may write");
            return isFull ? ExitCode.Storage : ExitCode.Other;
        }
        finally
        {
            if (isMade)
            {
                File.Delete(part);
            }
        }
    }
}
