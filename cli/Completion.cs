// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using System.CommandLine.Completions;
using UsbHostd.Api;
using UsbHostd.Api.V1;

namespace UsbHostd.Cli;

/// <summary>What may stand where the last word of a command line stands: verbs, options, and what the daemon knows.</summary>
internal static class Completion
{
    private const string Name = "complete";

    /// <summary>Of an item that says the same as a shorter one; offered only where its prefix is begun.</summary>
    private const string Longer = "longer";

    /// <summary>A person waits at the prompt.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    public static Command Create(CommandLine line)
    {
        var words = new Argument<string[]>("WORD") { Description = "The words of the command line, the last one begun or empty", Arity = ArgumentArity.ZeroOrMore };
        return line.OfflineVerb(new Command(Name, "Say what the last word may be, for the completion of shells") { words }, (terminal, parsed) =>
        {
            foreach (var word in Of(line.Root, parsed.GetValue(words) ?? []).Where(IsPlain))
            {
                terminal.Out.WriteLine(word);
            }

            return ExitCode.Ok;
        });
    }

    /// <summary>Lets an argument be completed with what the daemon knows, by the argument's name.</summary>
    public static void Attach(Argument argument, Func<ParseResult, UsbHostClient> connect)
    {
        Func<UsbHostClient, CancellationToken, Task<IEnumerable<CompletionItem>>>? known = argument.Name switch
        {
            "DEVICE" => DevicesAsync,
            "GUEST" => GuestsAsync,
            "CLAIM" => ClaimsAsync,
            "ANSWER" => AnswersAsync,
            _ => null,
        };
        if (known is not null)
        {
            argument.CompletionSources.Add(context => Ask(context, connect, known));
        }
    }

    /// <summary>What the last of the words may be, in ordinal order. A device chooses its own serial: only what is plainly visible is offered.</summary>
    public static IEnumerable<string> Of(RootCommand root, string[] words)
    {
        var last = words.Length > 0 ? words[^1] : "";
        return Offered(root.Parse([.. words.SkipLast(1)]), words, last)
            .Where(item => last.Length > 0 || item.Kind != Longer).Select(item => item.InsertText ?? item.Label)
            .Where(w => w.StartsWith(last, StringComparison.Ordinal) && IsVisible(w)).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal);
    }

    /// <summary>An option's value where an option waits for one; options where one is begun; else what stands in this place.</summary>
    private static IEnumerable<CompletionItem> Offered(ParseResult before, string[] words, string last)
    {
        var command = before.CommandResult.Command;
        var isOption = last.StartsWith('-') && !words.SkipLast(1).Contains("--", StringComparer.Ordinal);
        var options = command.Options.Concat(before.RootCommandResult.Command.Options.Where(option => option.Recursive)).Where(option => !option.Hidden).Distinct();
        if (options.FirstOrDefault(option => Waits(before, option)) is { } waiting)
        {
            return waiting.GetCompletions(before.GetCompletionContext());
        }

        if (before.UnmatchedTokens.Count > 0)
        {
            return [];
        }

        if (isOption)
        {
            return last.IndexOf('=', StringComparison.Ordinal) is > 0 and var equals ? WithValue(before, options, last[..equals])
                : options.SelectMany(NamesOf).Select(name => new CompletionItem(name));
        }

        return command is RootCommand
            ? command.Subcommands.Where(verb => verb.Name != Name).Select(verb => new CompletionItem(verb.Name))
            : command.Arguments.FirstOrDefault(argument => HasRoom(before, argument))?.GetCompletions(before.GetCompletionContext()) ?? [];
    }

    private static bool Waits(ParseResult before, Option option) =>
        option.Arity.MinimumNumberOfValues > 0 && before.GetResult(option) is { Implicit: false, Tokens.Count: 0 };

    private static bool HasRoom(ParseResult before, Argument argument) =>
        (before.GetResult(argument)?.Tokens.Count ?? 0) < argument.Arity.MaximumNumberOfValues;

    private static IEnumerable<CompletionItem> WithValue(ParseResult before, IEnumerable<Option> options, string name) =>
        options.Where(option => NamesOf(option).Contains(name, StringComparer.Ordinal)).SelectMany(option => option.GetCompletions(before.GetCompletionContext()))
            .Select(value => new CompletionItem($"{name}={value.InsertText ?? value.Label}"));

    /// <summary>Without those in the manner of another system: <c>/h</c>, <c>-?</c>.</summary>
    private static IEnumerable<string> NamesOf(Option option) => option.Aliases.Append(option.Name).Where(name => name.StartsWith('-') && name != "-?");

    /// <summary>What is not to be had says nothing: a prompt is no place for an error.</summary>
    private static IEnumerable<CompletionItem> Ask(
        CompletionContext context, Func<ParseResult, UsbHostClient> connect, Func<UsbHostClient, CancellationToken, Task<IEnumerable<CompletionItem>>> known)
    {
        using var deadline = new CancellationTokenSource(Patience);
        try
        {
            var client = connect(context.ParseResult);
            return [.. known(client, deadline.Token).GetAwaiter().GetResult()];
        }
        catch (Exception e) when (e is UsbHostException or OperationCanceledException)
        {
            return [];
        }
    }

    private static async Task<IEnumerable<CompletionItem>> DevicesAsync(UsbHostClient client, CancellationToken cancellationToken)
    {
        var devices = (await client.ListDevicesAsync(new ListDevicesRequest(), cancellationToken)).Devices.Where(d => !d.Hub).ToList();
        var kinds = devices.CountBy(Words.UsbId, StringComparer.Ordinal).ToDictionary(StringComparer.Ordinal);
        return devices.SelectMany(d => NamesOf(d, isOnlyOne: kinds[Words.UsbId(d)] == 1));
    }

    /// <summary>All ways to write this device that mean no other one.</summary>
    private static IEnumerable<CompletionItem> NamesOf(Device device, bool isOnlyOne)
    {
        string[] plain = device.SerialUnique ? [device.Label, device.Port, device.Id, device.Serial] : [device.Label, device.Port, device.Id];
        List<string> longer = [$"port:{device.Port}", $"id:{device.Id}"];
        longer.AddRange(device.SerialUnique ? [$"serial:{device.Serial}"] : []);
        longer.AddRange(isOnlyOne ? [$"usb:{Words.UsbId(device)}"] : []);
        return [.. plain.Where(name => name.Length > 0).Select(name => new CompletionItem(name)), .. longer.Select(name => new CompletionItem(name, kind: Longer))];
    }

    private static async Task<IEnumerable<CompletionItem>> GuestsAsync(UsbHostClient client, CancellationToken cancellationToken) =>
        (await client.ListGuestsAsync(new ListGuestsRequest(), cancellationToken)).Guests.Select(g => new CompletionItem(g.Name));

    private static async Task<IEnumerable<CompletionItem>> ClaimsAsync(UsbHostClient client, CancellationToken cancellationToken) =>
        (await client.ListClaimsAsync(new ListClaimsRequest(), cancellationToken)).Claims.Select(c => new CompletionItem(c.Id));

    private static async Task<IEnumerable<CompletionItem>> AnswersAsync(UsbHostClient client, CancellationToken cancellationToken) =>
        (await client.ListAnswersAsync(new ListAnswersRequest(), cancellationToken)).Answers.Select(a => new CompletionItem(a.Id));

    private static bool IsVisible(string word) => word.Length > 0 && word.EnumerateRunes().All(TerminalText.IsVisible);

    /// <summary>A shell may take what it is offered for more than a word; a device chooses its own serial.</summary>
    private static bool IsPlain(string word) => word.Length > 0 && word.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.' or '_' or '+' or '=' or '@' or ':');
}
