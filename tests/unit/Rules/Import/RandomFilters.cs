// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Identity;
using UsbHostd.Policy.Rules;
using UsbHostd.Policy.Rules.Import;
using static UsbHostd.Tests.Rules.RuleParts;

namespace UsbHostd.Tests.Rules.Import;

/// <summary>Filters, rules and devices of few values, so that they often meet; the same ones for the same seed.</summary>
internal sealed class RandomFilters(int seed)
{
    private static readonly string[] Tokens = ["0", "1", "-1", "3", "0x03", "010", "08", "0x", "", " 3", "3 ", "+8", "-2", "0X0e", "255", "256", "65535", "65536", "x", "0x951"];
    private static readonly byte[] Classes = [0x03, 0x08, 0x0e, 0xff];
    private static readonly ushort[] Ids = [0x0951, 0x1050, 0x1666];
    private static readonly UsbClass[] Interfaces = [new(3, 0, 0), new(3, 1, 1), new(8, 6, 0x50), new(0x0e, 1, 0), new(0xff, 0, 0)];

    private readonly Random random = new(seed);

    public string Text(char separator) => string.Join('|', Enumerable.Range(0, random.Next(4)).Select(_ =>
        string.Join(separator, Enumerable.Range(0, random.Next(8) == 0 ? random.Next(7) : 5).Select(_ => random.Next(3) == 0 ? Pick(Tokens) : "1"))));

    public RedirFilter Filter(bool withRelease) => new([.. Enumerable.Range(0, random.Next(8)).Select(_ =>
    {
        var vendor = random.Next(2) == 0 ? RedirRule.Any : Pick(Ids);
        return new RedirRule(
            random.Next(2) == 0 ? RedirRule.Any : Pick(Classes), vendor, vendor == RedirRule.Any || random.Next(2) == 0 ? RedirRule.Any : Pick(Ids),
            withRelease && random.Next(3) == 0 ? random.Next(2) : RedirRule.Any, random.Next(2) == 0);
    })]);

    /// <param name="classes">What bDeviceClass may be.</param>
    public RedirDevice Device(params byte[] classes) => new(
        new UsbId(Pick(Ids), Pick(Ids)), Pick(classes), (ushort)random.Next(2),
        [.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => Pick(Interfaces))]);

    /// <summary>Rules of the forms that a filter may be able to say.</summary>
    public ImmutableArray<Rule> Rules() => [.. Enumerable.Range(1, random.Next(1, 7)).Select(line => new Rule
    {
        Target = random.Next(2) == 0 ? RuleTarget.Allow : RuleTarget.Block,
        Id = random.Next(2) == 0 ? null : Set(SetOperator.OneOf, new UsbIdPattern(Pick(Ids), random.Next(2) == 0 ? null : Pick(Ids))),
        WithInterface = random.Next(2) == 0 ? null : new(Pick([SetOperator.OneOf, SetOperator.MatchAll]), Patterns(), IsSet: true),
        Source = new RuleSource("/etc/usbhostd/rules.conf", line),
    })];

    private ImmutableArray<InterfacePattern> Patterns() =>
        [.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => random.Next(4) == 0 ? Pattern("03:00:00") : new InterfacePattern(Pick(Classes), null, null))];

    private T Pick<T>(T[] values) => values[random.Next(values.Length)];
}
