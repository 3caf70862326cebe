// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Policy.Rules;
using UsbHostd.Tests.Architecture;

namespace UsbHostd.Tests.Rules;

/// <summary>Hostile text costs no more than its length is worth.</summary>
[TestFixture]
internal sealed class ParserFuzzTests
{
    private const int Inputs = 1_000_000;

    private const int MostBytesForEach = 100;

    private static readonly string[] Tokens =
    [
        "\"", "\\", "{", "}", "(", ")", "!", "#", " ", "\t", "\r", "\n", "\0", "*", ":", "-", "if", "id", "name", "label", "true", "random(", "localtime(", "allowed-matches(",
        "one-of", "equals-ordered", "to-guest", "settle 5s", "on-bus 2", "\\x4", "\\xc3", "é", "\ud800", "\udce9", "08:*:*", "1234:*", "allow", "assign",
    ];

    [Test]
    public void Parse_MillionMutatedRules_AllocatesInProportion()
    {
        var seed = Environment.TickCount;
        TestContext.Out.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var corpus = Corpus();
        var past = 0;
        for (var i = 0; i < Inputs; i++)
        {
            var text = Mutate(random, corpus);
            var allocated = Allocated(text, out var error);
            if (allocated > MostBytesForEach * text.Length && Allocated(text, out _) is var again && again > MostBytesForEach * text.Length)
            {
                // Twice: the runtime makes things of its own at times, once for a thread; what an input costs, it costs each time.
                Assert.Fail($"seed {seed}, input {i}: {allocated} bytes, then {again}, for {text.Length} characters: {text}");
            }

            past += error is null || error.Line > 1 || error.Column > FirstToken(text) ? 1 : 0;
        }

        Assert.That(past, Is.GreaterThan(Inputs / 2), $"past the first token, seed {seed}");
    }

    // Each would take minutes if its cost grew with the square of its length.
    [TestCase("label \"\" ", "allow ")]
    [TestCase("true(x) ", "allow if { ")]
    [TestCase("localtime(1:00x) ", "allow if { ")]
    [TestCase("allowed-matches(id *:*) ", "allow if { ")]
    [TestCase("\\x41", "allow name \"")]
    [TestCase("😀", "allow name \"")]
    [TestCase("\"\" ", "allow name { ")]
    [TestCase("*:* ", "allow id { ")]
    [TestCase("8", "allow if random(")]
    [TestCase("9", "allow if rule-applied(")]
    [TestCase(" ", "allow")]
    [TestCase("allow if ", "")]
    [TestCase("ask\n", "")]
    [TestCase("match\n", "")]
    [TestCase("#\n", "")]
    [TestCase("allow if allowed-matches(if ", "")]
    public void Parse_LongHostileText_AllocatesInProportion(string repeated, string start)
    {
        var text = start + string.Concat(Enumerable.Repeat(repeated, 500_000 / repeated.Length));
        var before = GC.GetAllocatedBytesForCurrentThread();
        _ = RuleParser.TryParse("f", text, out _, out _);

        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThanOrEqualTo(MostBytesForEach * (long)text.Length));
    }

    private static long Allocated(string text, out RuleParseError? error)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        _ = RuleParser.TryParse("f", text, out _, out error);
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    private static string[] Corpus()
    {
        var random = new Random(1);
        var own = Enumerable.Range(0, 300).Select(_ => RulePrinter.Print(RandomRule.Make(random)));
        string[] corpus = [.. File.ReadLines(Path.Combine(Repository.Root, "tests/unit/Rules/good.rules")), .. own];

        // What is made once for a thread, or for all, is no input's cost.
        foreach (var text in corpus)
        {
            _ = RuleParser.TryParse("f", text, out _, out _);
        }

        return [.. corpus.Where(text => text.Length is > 0 and < 200)];
    }

    /// <summary>Mostly behind the first word, or few would be more than a wrong target.</summary>
    private static string Mutate(Random random, string[] corpus)
    {
        var text = corpus[random.Next(corpus.Length)];
        for (var times = random.Next(1, 4); times > 0; times--)
        {
            var from = random.Next(10) == 0 ? 0 : Math.Min(FirstToken(text) + 1, text.Length);
            var at = random.Next(from, text.Length + 1);
            var end = random.Next(at, Math.Min(at + 12, text.Length) + 1);
            text = random.Next(5) switch
            {
                0 => text.Remove(at, end - at),
                1 => text.Insert(at, Tokens[random.Next(Tokens.Length)]),
                2 => text.Insert(at, text[at..end]),
                3 => string.Concat(text.AsSpan(0, at), Tokens[random.Next(Tokens.Length)], text.AsSpan(end)),
                _ => string.Concat(text.AsSpan(0, at), Other(random, corpus)),
            };
        }

        return text;
    }

    private static string Other(Random random, string[] corpus) => corpus[random.Next(corpus.Length)] is var other ? other[random.Next(other.Length)..] : "";

    private static int FirstToken(string text) => text.IndexOf(' ', StringComparison.Ordinal) is >= 0 and var blank ? blank : text.Length;
}
