// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Rules;

namespace UsbHostd.Core.State;

/// <summary>What was decided for a device that left, for when it comes back to its port at once.</summary>
/// <param name="At">When it left.</param>
public sealed record DepartedVerdict(UsbDevice Device, Verdict Verdict, DateTimeOffset At);
