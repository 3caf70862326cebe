// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Core.State;

namespace UsbHostd.Daemon.Attach;

/// <summary>Gets a device into a guest and out of it, in one mode. Blocks; runs in the guest's worker.</summary>
internal interface IAttacher
{
    ActionOutcome Attach(HostAction.AttachDevice action);

    ActionOutcome Detach(HostAction.DetachDevice action);
}
