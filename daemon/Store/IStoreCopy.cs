// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Daemon.Store;

/// <summary>A copy of the database that is being made. Used as the store is: by the reconcile loop only, one call at a time.</summary>
internal interface IStoreCopy : IDisposable
{
    /// <summary>Copies some more; null as long as there is more to copy, then the copy, open for reading and without a name.</summary>
    /// <exception cref="StoreException">The disk is full or failing.</exception>
    FileStream? Step();
}
