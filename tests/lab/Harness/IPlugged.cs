// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Lab.Harness;

/// <summary>Something that a test put into L1's ports and that the test's end takes out.</summary>
internal interface IPlugged
{
    /// <summary>Whether it is in now, at <see cref="PortPath"/>.</summary>
    bool IsIn { get; }

    string PortPath { get; }

    Task RemoveAsync();
}
