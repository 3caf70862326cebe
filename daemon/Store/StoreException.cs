// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Daemon.Store;

/// <summary>The database can't be read or written; the message names the file and what to do.</summary>
internal sealed class StoreException : Exception
{
    public StoreException(string message, bool diskFull = false, Exception? inner = null)
        : base(message, inner) => IsDiskFull = diskFull;

    public bool IsDiskFull { get; }
}
