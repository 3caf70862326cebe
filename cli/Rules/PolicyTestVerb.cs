// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.CommandLine;
using UsbHostd.Api;
using UsbHostd.Policy.Rules;

namespace UsbHostd.Cli.Rules;

/// <summary>policy-test: what rules decide for recorded devices, and whether that is what was expected.</summary>
internal static class PolicyTestVerb
{
    private const string RecordedAs = ".json";
    private const string ExpectedIn = ".expect";

    public static Command Create(CommandLine line)
    {
        var against = new Option<string>("--against")
        {
            Description = "A folder of recorded devices: NAME.json as device-info --json writes it, and perhaps NAME.expect",
            HelpName = "DIR",
            Required = true,
        };
        var rules = PolicyExportVerb.Rules();
        var guest = new Option<string?>("--guest") { Description = "What the decisions mean for this guest", HelpName = "NAME" };
        return line.OfflineVerb(
            new Command("policy-test", "Show what rules decide for recorded devices, and compare it with what is expected") { against, rules, guest },
            (terminal, parsed) => Run(terminal, parsed.GetRequiredValue(against), parsed.GetValue(rules) ?? [], parsed.GetValue(guest) ?? ""));
    }

    private static ExitCode Run(CliTerminal terminal, string folder, string[] files, string guest)
    {
        if (RuleInput.ReadAll(terminal, files) is not { } rules || Cases(terminal, folder) is not { } cases)
        {
            return ExitCode.Usage;
        }

        var context = new RecordedContext(TimeProvider.System.GetLocalNow());
        var table = new Table(["Device", "USB id", "Name", "Target", "Rule"], 2, 4);
        List<string> faults = [];
        foreach (var (device, expected) in cases)
        {
            var decides = context.Judge(rules, device.Subject);
            var place = decides?.Source.ToString() ?? "no rule matches";
            table.Add(
                device.Title, Words.UsbId(device.Device), Words.Name(device.Device), RulePrinter.Name(Expectation.TargetFor(decides, guest)),
                decides is null ? Words.None : place);
            faults.AddRange(
                from expectation in expected
                let found = Expectation.TargetFor(decides, expectation.Guest)
                where found != expectation.Target
                select $"{expectation.Place}: {device.Title}: expected {RulePrinter.Name(expectation.Target)}{For(expectation.Guest)}, found {RulePrinter.Name(found)} ({place})");
        }

        table.Write(terminal.Out, terminal.Width);
        terminal.Out.WriteLine($"{cases.Count} devices, {cases.Sum(one => one.Expected.Length)} expectations, {faults.Count} not met");
        terminal.Out.Flush();
        faults.ForEach(fault => terminal.Error.WriteLine(TerminalText.Escape(fault)));
        return faults.Count == 0 ? ExitCode.Ok : ExitCode.Other;
    }

    private static string For(string guest) => guest.Length > 0 ? " for guest " + guest : "";

    /// <summary>In the order of the names; null where anything in the folder is not in order.</summary>
    private static List<(RecordedDevice Device, ImmutableArray<Expectation> Expected)>? Cases(CliTerminal terminal, string folder)
    {
        if (Names(terminal, folder) is not { } names)
        {
            return null;
        }

        List<(RecordedDevice, ImmutableArray<Expectation>)> cases = [];
        var good = true;
        foreach (var name in names)
        {
            var path = Path.Combine(folder, name);
            if (RecordedDevice.Read(terminal, path + RecordedAs) is { } device && Expectation.ReadAll(terminal, path + ExpectedIn) is { } expected)
            {
                cases.Add((device, expected));
            }
            else
            {
                good = false;
            }
        }

        return good ? cases : null;
    }

    /// <summary>Of what is recorded; null where nothing is, or where something is expected of what is not.</summary>
    private static List<string>? Names(CliTerminal terminal, string folder)
    {
        try
        {
            var files = Directory.EnumerateFiles(folder).Select(path => Path.GetFileName(path)).ToHashSet(StringComparer.Ordinal);
            List<string> names = [.. files.Where(file => Path.GetExtension(file) == RecordedAs).Select(file => Path.GetFileNameWithoutExtension(file)).Order(StringComparer.Ordinal)];
            if (files.FirstOrDefault(file => Path.GetExtension(file) == ExpectedIn && !files.Contains(Path.ChangeExtension(file, RecordedAs))) is { } alone)
            {
                ErrorReport.Write(terminal, $"{Path.Combine(folder, alone)} has no {RecordedAs} file beside it", $"record the device: {RecordedDevice.Recording(Path.Combine(folder, Path.ChangeExtension(alone, RecordedAs)))}");
                return null;
            }

            if (names.Count > 0)
            {
                return names;
            }

            ErrorReport.Write(terminal, $"there is no recorded device in {folder}", $"record one: {RecordedDevice.Recording(Path.Combine(folder, "NAME.json"))}");
        }
        catch (Exception e) when (RuleInput.IsAboutFiles(e))
        {
            ErrorReport.Write(terminal, $"can't list {folder}: {e.Message}", "name a folder of recorded devices");
        }

        return null;
    }
}
