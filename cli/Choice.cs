// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using System.CommandLine.Completions;
using System.CommandLine.Parsing;

namespace UsbHostd.Cli;

/// <summary>
/// Options and arguments that take one of a few words. The library has the like, but its message has line breaks, which look like
/// hostile text where they are escaped.
/// </summary>
internal static class Choice
{
    public static Option<T> OneOf<T>(this Option<T> option, params string[] words)
    {
        option.Validators.Add(result => Check(result, option.Name, words));
        option.CompletionSources.Add(_ => words.Select(word => new CompletionItem(word)));
        return option;
    }

    public static Argument<string> OneOf(this Argument<string> argument, params string[] words)
    {
        argument.Validators.Add(result => Check(result, argument.Name, words));
        argument.CompletionSources.Add(_ => words.Select(word => new CompletionItem(word)));
        return argument;
    }

    private static void Check(SymbolResult result, string name, string[] words)
    {
        if (result.Tokens.FirstOrDefault(token => !words.Contains(token.Value, StringComparer.Ordinal)) is { } other)
        {
            result.AddError($"{name} is '{other.Value}', expected {string.Join(", ", words[..^1])} or {words[^1]}");
        }
    }
}
