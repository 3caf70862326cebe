// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Core.Guests;
using UsbHostd.Core.State;

namespace UsbHostd.Core.Evaluation;

/// <summary>What an attachment of ours still stands for.</summary>
public static partial class Assessor
{
    /// <summary>Whether the plug that an attachment of ours was made for is still in, and the guest has it.</summary>
    private static bool IsThere(HostState state, Attachment attachment)
    {
        if (attachment is not { Missing: false, Address: { } address, Ours: { } ours })
        {
            return false;
        }

        foreach (var syspath in state.DevicesByAddress[address])
        {
            if (state.Devices[syspath].Plug == ours.Plug)
            {
                return true;
            }
        }

        return false;
    }
}
