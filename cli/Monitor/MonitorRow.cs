// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Api.V1;

namespace UsbHostd.Cli.Monitor;

/// <summary>A line of the view. Nothing is escaped yet.</summary>
/// <param name="Phase">Of the claim; what the device is doing where there is none.</param>
/// <param name="Reason">Of the phase.</param>
/// <param name="Message">What is said of the claim, and what to do; shown of the selected row.</param>
internal sealed record MonitorRow(string Key, string Port, string Name, string Serial, string UsbId, string Guest, string Phase, string Reason, string Message, Tone Tone)
{
    public static MonitorRow Of(Device device, Claim? claim) => new(
        device.Id + device.Port, device.Port, Words.Name(device), Words.OrNone(device.Serial), Words.UsbId(device),
        Words.Name(claim?.Guest ?? device.Guest),
        claim is null ? Words.State(device) : Words.Phase(claim),
        claim is null ? Words.None : Words.Reason(claim),
        Said(claim), claim is null ? Tone.Plain : Words.Tone(claim.Phase));

    /// <summary>Of a claim whose device is not plugged in.</summary>
    public static MonitorRow Of(Claim claim) => new(
        claim.Id, Words.OrNone(claim.Port), Words.Name(claim), Words.OrNone(claim.Serial), claim.Ids.Count > 0 ? claim.Ids[0] : Words.None,
        Words.Name(claim.Guest), Words.Phase(claim), Words.Reason(claim), Said(claim), Words.Tone(claim.Phase));

    private static string Said(Claim? claim) =>
        claim is null ? "" : string.Join("; ", new[] { $"claim {claim.Id}", claim.Message, claim.Hint }.Where(text => text.Length > 0));
}
