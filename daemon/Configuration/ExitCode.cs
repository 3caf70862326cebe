// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Daemon.Configuration;

/// <summary>
/// The daemon's exit codes, after sysexits.h. The unit doesn't restart after those from 64 on: the next start would end in the
/// same way.
/// </summary>
internal static class ExitCode
{
    public const int Ok = 0;

    public const int Failed = 1;

    /// <summary>EX_USAGE: the command line.</summary>
    public const int Usage = 64;

    /// <summary>EX_DATAERR: the database is refused.</summary>
    public const int Database = 65;

    /// <summary>EX_CONFIG: the configuration file.</summary>
    public const int Configuration = 78;
}
