// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Lab.Harness;

/// <summary>The bed itself failed: L1 died, a command that must work did not, or nothing happened within its time.</summary>
public sealed class LabException : Exception
{
    public LabException()
    {
    }

    public LabException(string message)
        : base(message)
    {
    }

    public LabException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
