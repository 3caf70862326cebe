// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using Google.Protobuf.WellKnownTypes;
using UsbHostd.Core.State;
using UsbHostd.Daemon.Errors;
using UsbHostd.Daemon.Store;
using V1 = UsbHostd.Api.V1;

namespace UsbHostd.Daemon.Service;

/// <summary>The audit as the contract shows it. The database has the names of error codes as the program writes them, the contract has its own.</summary>
internal static class WireAudit
{
    private const int MostText = 256;
    private const string Refused = "refused";

    private static readonly ImmutableArray<(string Stored, string Shown)> Outcomes =
        [.. System.Enum.GetValues<V1.ErrorCode>().Select(code => (code.ToString(), NameOf(code)))];

    /// <exception cref="HostException">A field can't be meant so.</exception>
    public static (ImmutableArray<AuditTable> Tables, AuditQuery Query) Query(V1.ListAuditRequest request)
    {
        foreach (var text in new[] { request.Caller, request.Verb, request.Subject, request.Outcome, request.Text })
        {
            if (text.Length > MostText)
            {
                throw Refusals.Invalid($"what the audit is searched for is longer than {MostText} characters", "shorten it");
            }
        }

        var query = new AuditQuery
        {
            Since = Time(request.Since, "since"),
            Until = Time(request.Until, "until"),
            Caller = OrNull(request.Caller),
            Verb = OrNull(request.Verb),
            Subject = OrNull(request.Subject),
            Outcome = request.Outcome is "" or Refused ? null : Stored(request.Outcome),
            Text = OrNull(request.Text),
        };
        return (request.Outcome == Refused ? [AuditTable.Refusals] : [AuditTable.Audit, AuditTable.Refusals], query);
    }

    public static V1.AuditLine Line(StoreChange.AppendAudit line) => new()
    {
        At = WireDevices.Time(line.At),
        Caller = line.Caller,
        Door = line.Door,
        Verb = line.Verb,
        Subject = line.Subject,
        Outcome = Outcomes.FirstOrDefault(o => o.Stored == line.Outcome).Shown ?? line.Outcome,
        Detail = line.Detail,
    };

    private static string? OrNull(string text) => text.Length == 0 ? null : text;

    private static string Stored(string shown) => Outcomes.FirstOrDefault(o => o.Shown == shown).Stored ?? shown;

    private static DateTimeOffset? Time(Timestamp? at, string name)
    {
        try
        {
            return at?.ToDateTimeOffset();
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentOutOfRangeException)
        {
            throw Refusals.Invalid($"the time {name} is none of the years 1 to 9999", "correct it");
        }
    }

    private static string NameOf(V1.ErrorCode code) =>
        V1.UsbhostdReflection.Descriptor.EnumTypes.Single(e => e.Name == nameof(V1.ErrorCode)).FindValueByNumber((int)code)?.Name ?? code.ToString();
}
