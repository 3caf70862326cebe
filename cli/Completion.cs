using System.Collections.Immutable;
using System.CommandLine;
using System.CommandLine.Completions;
using UsbHostd.Api;
using UsbHostd.Api.V1;

namespace UsbHostd.Cli;

/// <summary>What may stand where the last word of a command line stands: verbs, options, and what the daemon knows.</summary>
internal static class Completion
{
    /// <summary>A person waits at the prompt.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    public static Command Create(CommandLine line)
    {
        var words = new Argument<string[]>("WORD") { Description = "The words of the command line, the last one begun or empty", Arity = ArgumentArity.ZeroOrMore };
        return line.OfflineVerb(new Command("complete", "Say what the last word may be, for the completion of shells") { words }, (terminal, parsed) =>
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
        Func<UsbHostClient, CancellationToken, Task<IEnumerable<string>>>? known = argument.Name switch
        {
            "DEVICE" => DevicesAsync,
            "GUEST" => GuestsAsync,
            "CLAIM" => ClaimsAsync,
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
        // As if nothing of it were there yet: what it begins with is for us to compare, quotes and all.
        var text = string.Concat(words.SkipLast(1).Select(w => (w.Length == 0 || w.Contains(' ', StringComparison.Ordinal) ? $"\"{w}\"" : w) + " "));
        return root.Parse(text).GetCompletions(text.Length).Select(c => c.InsertText ?? c.Label)
            .Where(w => w.StartsWith(last, StringComparison.Ordinal) && w != "complete" && IsVisible(w)).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal);
    }

    /// <summary>What is not to be had says nothing: a prompt is no place for an error.</summary>
    private static IEnumerable<CompletionItem> Ask(
        CompletionContext context, Func<ParseResult, UsbHostClient> connect, Func<UsbHostClient, CancellationToken, Task<IEnumerable<string>>> known)
    {
        using var deadline = new CancellationTokenSource(Patience);
        try
        {
            var client = connect(context.ParseResult);
            return [.. known(client, deadline.Token).GetAwaiter().GetResult().Select(w => new CompletionItem(w))];
        }
        catch (Exception e) when (e is UsbHostException or OperationCanceledException)
        {
            return [];
        }
    }

    private static async Task<IEnumerable<string>> DevicesAsync(UsbHostClient client, CancellationToken cancellationToken) =>
        (await client.ListDevicesAsync(new ListDevicesRequest(), cancellationToken)).Devices.Where(d => !d.Hub)
            .SelectMany(d => d.SerialUnique ? ImmutableArray.Create(d.Label, d.Port, d.Id, d.Serial) : [d.Label, d.Port, d.Id]);

    private static async Task<IEnumerable<string>> GuestsAsync(UsbHostClient client, CancellationToken cancellationToken) =>
        (await client.ListGuestsAsync(new ListGuestsRequest(), cancellationToken)).Guests.Select(g => g.Name);

    private static async Task<IEnumerable<string>> ClaimsAsync(UsbHostClient client, CancellationToken cancellationToken) =>
        (await client.ListClaimsAsync(new ListClaimsRequest(), cancellationToken)).Claims.Select(c => c.Id);

    private static bool IsVisible(string word) => word.Length > 0 && word.EnumerateRunes().All(TerminalText.IsVisible);

    /// <summary>A shell may take what it is offered for more than a word; a device chooses its own serial.</summary>
    private static bool IsPlain(string word) => word.Length > 0 && word.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.' or '_' or '+' or '=' or '@');
}
