// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;

namespace UsbHostd.Policy.Rules;

/// <summary>Reads the lines of one text. Where it says no, <see cref="Error"/> says why.</summary>
internal partial struct RuleReader
{
    private const string ATarget = "a target: allow, block, reject, assign or ask";

    private const string AnAttribute =
        "an attribute: id, name, hash, parent-hash, serial, via-port, with-interface, with-connect-type, label, if, on-bus, on-controller, "
        + "path, to-guest, mode, guest-reset, settle, share, owner, group or unsafe";

    private const int MostWarningsInALine = 4;

    private const string ADeviceId = "a device id, for example 1234:abcd, 1234:* or *:*";

    private readonly string? file;
    private RuleScanner scan;
    private RuleStrings strings;
    private RuleDraft draft;
    private int line;
    private ImmutableArray<RuleWarning>.Builder? warnings;

    // One for each kind of value; what is in them counts only while an attribute is read, but for the labels, which add up.
    private Scratch<UsbIdPattern> ids;
    private Scratch<InterfacePattern> interfaces;
    private Scratch<string> texts;
    private Scratch<int> buses;
    private Scratch<Glob> globs;
    private Scratch<RuleCondition> conditions;
    private Scratch<string> labels;
    private SetOperator labelOperator;

    public RuleReader(string? file, string text)
        : this(file, text, new RuleStrings(text.Length), line: 1)
    {
    }

    private RuleReader(string? file, string text, RuleStrings strings, int line)
    {
        (this.file, this.strings, this.line) = (file, strings, line);
        scan = new RuleScanner(text, 0, text.Length);
    }

    public readonly RuleParseError Error => new(file, scan.Text, scan.ErrorAt, scan.Expected ?? ATarget);

    public readonly ImmutableArray<RuleWarning> Warnings => warnings is null ? [] : warnings.ToImmutable();

    /// <param name="rule">Null where there is nothing but blanks and a comment.</param>
    public bool TryLine(int number, int start, int end, out Rule? rule)
    {
        rule = null;
        (line, scan.Position, scan.End) = (number, start, end);
        scan.SkipBlanks();
        if (scan.AtEnd || scan.Sees('#'))
        {
            return true;
        }

        draft = default;
        labels.Clear();
        if (!TryTarget() || !TryBody(isQuery: false))
        {
            return false;
        }

        draft.Label = LabelRead();
        rule = draft.ToRule(new RuleSource(file, line));
        return true;
    }

    /// <summary>Attributes alone, from here to there.</summary>
    public bool TryQuery(int start, int end, out Rule? query)
    {
        (query, scan.Position, scan.End) = (null, start, end);
        draft = new RuleDraft { Target = RuleTarget.Match };
        if (!TryBody(isQuery: true))
        {
            return false;
        }

        draft.Label = LabelRead();
        query = draft.ToRule(new RuleSource(file, line));
        return true;
    }

    private bool TryTarget()
    {
        var from = scan.Position;
        switch (scan.Word())
        {
            case "allow":
                draft.Target = RuleTarget.Allow;
                return true;
            case "block":
                draft.Target = RuleTarget.Block;
                return true;
            case "reject":
                draft.Target = RuleTarget.Reject;
                return true;
            case "assign":
                draft.Target = RuleTarget.Assign;
                return true;
            case "ask":
                draft.Target = RuleTarget.Ask;
                return true;
            case "match":
                draft.Target = RuleTarget.Match;
                Warn(from, "match is no decision: this line is passed over");
                return true;
            case "device":
                draft.Target = RuleTarget.Device;
                Warn(from, "device is no decision: this line is passed over");
                return true;
            default:
                return scan.FailAt(from, ATarget);
        }
    }

    /// <param name="isQuery">Whether nothing stands before the first attribute, and at least one must follow.</param>
    private bool TryBody(bool isQuery)
    {
        var first = true;
        while (true)
        {
            var from = scan.Position;
            var blank = scan.SkipBlanks() || (isQuery && first);
            if (scan.AtEnd)
            {
                return isQuery && first ? scan.FailAt(from, AnAttribute) : IsWhole(scan.Position);
            }

            if (scan.Sees('#'))
            {
                return IsWhole(from);
            }

            if (!blank)
            {
                return scan.Fail("a blank, a comment or the end of the line");
            }

            if (!(first && SeesDeviceId() ? TryShortId() : TryAttribute()))
            {
                return false;
            }

            first = false;
        }
    }

    private bool IsWhole(int at) =>
        draft.Target != RuleTarget.Assign || draft.ToGuest is not null || scan.FailAt(at, "to-guest and the guest's name: assign must know its guest");

    /// <summary>No attribute's name begins with a digit or an asterisk, or is four letters and a colon.</summary>
    private readonly bool SeesDeviceId() =>
        scan.Rest is { Length: > 0 } rest && (rest[0] == '*' || char.IsAsciiDigit(rest[0]) || (rest.Length > 4 && rest[4] == ':' && !rest[..4].ContainsAny(' ', '\t')));

    private bool TryShortId()
    {
        if (!TryId(ref this, out var id))
        {
            return false;
        }

        draft.Id = new RuleAttribute<UsbIdPattern>(SetOperator.Equals, [id], IsSet: false);
        return true;
    }

    private bool TryAttribute()
    {
        var from = scan.Position;
        return scan.Word() switch
        {
            "id" => TryValues(from, ref draft.Id, ref ids, TryId),
            "name" => TryValues(from, ref draft.Name, ref texts, TryExact),
            "hash" => TryValues(from, ref draft.Hash, ref texts, TryExact),
            "parent-hash" => TryValues(from, ref draft.ParentHash, ref texts, TryExact),
            "serial" => TryValues(from, ref draft.Serial, ref texts, TryExact),
            "via-port" => TryValues(from, ref draft.ViaPort, ref texts, TryExact),
            "with-interface" => TryValues(from, ref draft.WithInterface, ref interfaces, TryInterface),
            "with-connect-type" => TryValues(from, ref draft.WithConnectType, ref texts, TryExact),
            "if" => TryValues(from, ref draft.If, ref conditions, TryCondition),
            "label" => TryLabel(),
            "on-bus" => TryOnBus(from),
            "on-controller" => TryValues(from, ref draft.OnController, ref texts, TryExactNonEmpty),
            "path" => TryValues(from, ref draft.Path, ref globs, TryGlob),
            var name => TryUse(from, name),
        };
    }

    private bool TryOnBus(int from)
    {
        Warn(from, "bus numbers may change when the host restarts; on-controller and path do not");
        return TryValues(from, ref draft.OnBus, ref buses, TryBus);
    }

    /// <summary>The first few of a line: they are for people, and a place in a long line takes time to work out.</summary>
    private void Warn(int at, string text)
    {
        warnings ??= ImmutableArray.CreateBuilder<RuleWarning>(initialCapacity: 1);
        if (warnings.Count < MostWarningsInALine || warnings[^MostWarningsInALine].Source.Line != line)
        {
            warnings.Add(new RuleWarning(new RuleSource(file, line), RuleParseError.ColumnOf(scan.Text, at), text));
        }
    }
}
