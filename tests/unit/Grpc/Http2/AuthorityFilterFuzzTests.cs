// SPDX-License-Identifier: Apache-2.0
using System.Buffers;
using System.Globalization;
using NUnit.Framework;
using UsbHostd.Daemon.Grpc.Http2;

namespace UsbHostd.Tests.Grpc.Http2;

/// <summary>
/// Connections made at random, half of them then broken at random, cut anywhere. USBHOSTD_FUZZ_INPUTS=1000000 before
/// <c>./dev test --fast -- AuthorityFilterFuzzTests</c> makes a long run of it, USBHOSTD_FUZZ_SEED repeats one.
/// </summary>
[TestFixture]
internal sealed class AuthorityFilterFuzzTests
{
    private const int MaxBlockBytes = 2048;

    /// <summary>What a filter is: its table, the block that it collects, and little else.</summary>
    private const int MostBytesKept = 2 * MaxBlockBytes + 4096;

    private static readonly int Inputs = FromEnvironment("USBHOSTD_FUZZ_INPUTS") ?? 20_000;

    [Test]
    public void Push_ConnectionsAtRandom_ChangesNothingButAuthorities()
    {
        var seed = FromEnvironment("USBHOSTD_FUZZ_SEED") ?? Environment.TickCount;
        TestContext.Out.WriteLine($"seed {seed}, {Inputs} inputs");
        var random = new Random(seed);
        var output = new ArrayBufferWriter<byte>(1 << 16);
        var (passed, replaced) = (0, 0);
        for (var i = 0; i < Inputs; i++)
        {
            var isBroken = random.Next(2) == 0;
            var sent = RandomConnection.Make(random);
            sent = isBroken ? RandomConnection.Break(random, sent) : sent;
            var refusal = Push(random, sent, output);
            var problem = refusal is null
                ? Difference(sent, output.WrittenSpan, ref replaced)
                : isBroken ? null : "refused: " + refusal;
            passed += refusal is null ? 1 : 0;
            if (problem is not null)
            {
                Assert.Fail($"seed {seed}, input {i}, {(isBroken ? "broken" : "whole")}: {problem}\n{Convert.ToHexString(sent)}\n{Convert.ToHexString(output.WrittenSpan)}");
            }
        }

        Assert.That((passed, replaced), Is.GreaterThan((Inputs / 2, Inputs / 4)).Using<(int, int)>((a, b) => a.Item1 >= b.Item1 && a.Item2 >= b.Item2 ? 1 : -1), $"seed {seed}");
    }

    [Test]
    public void Push_ConnectionsThatGoOn_KeepNoMoreThanABlock()
    {
        var random = new Random(1);
        var output = new ArrayBufferWriter<byte>(1 << 20);
        _ = Push(random, RandomConnection.Make(random), output);
        var filter = new AuthorityFilter(4096, MaxBlockBytes);
        filter.Push(Http2Bytes.Preface, output);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 10_000; i++)
        {
            output.ResetWrittenCount();
            filter.Push(Http2Bytes.Frame(Http2Bytes.Headers, 0, 1, Http2Bytes.NotAdded(1, Http2Bytes.Raw("/path"))), output);
            filter.Push(Http2Bytes.Frame(Http2Bytes.Continuation, Http2Bytes.EndHeaders, 1, Http2Bytes.Added(4, Http2Bytes.Raw("/a"))), output);
        }

        // What remains of it after a collection: nothing that grew.
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        var frames = Allocated(() =>
        {
            for (var i = 0; i < 10_000; i++)
            {
                _ = Http2Bytes.Frame(Http2Bytes.Headers, 0, 1, Http2Bytes.NotAdded(1, Http2Bytes.Raw("/path")));
                _ = Http2Bytes.Frame(Http2Bytes.Continuation, Http2Bytes.EndHeaders, 1, Http2Bytes.Added(4, Http2Bytes.Raw("/a")));
            }
        });
        Assert.That(allocated - frames, Is.LessThan(MostBytesKept));
    }

    private static int? FromEnvironment(string name) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : null;

    private static long Allocated(Action work)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        work();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    /// <summary>The reason of a refusal; any other exception goes on and fails the test.</summary>
    private static string? Push(Random random, byte[] sent, ArrayBufferWriter<byte> output)
    {
        output.ResetWrittenCount();
        var filter = new AuthorityFilter(4096, MaxBlockBytes);
        var most = random.Next(3) switch { 0 => 3, 1 => 50, _ => sent.Length };
        try
        {
            for (var at = 0; at < sent.Length;)
            {
                var length = Math.Min(random.Next(1, most + 1), sent.Length - at);
                filter.Push(sent.AsSpan(at, length), output);
                at += length;
            }

            return null;
        }
        catch (InvalidDataException refused)
        {
            return refused.Message;
        }
    }

    private static string? Difference(byte[] sent, ReadOnlySpan<byte> passed, ref int replaced)
    {
        var preface = Http2Bytes.Preface;
        if (!sent.AsSpan().StartsWith(preface))
        {
            return passed.SequenceEqual(sent) ? null : "another protocol does not pass unchanged";
        }

        if (passed.Length > sent.Length)
        {
            return "longer than it was";
        }

        var (before, after) = (Http2Reader.Read(sent.AsSpan(preface.Length)), Http2Reader.Read(passed[preface.Length..]));
        if (!before.Seen.SequenceEqual(after.Seen.Take(before.Seen.Count), StringComparer.Ordinal) || after.Seen.Count > before.Seen.Count)
        {
            return $"{string.Join('\n', before.Seen)}\nbecame\n{string.Join('\n', after.Seen)}";
        }

        foreach (var ((name, was), (_, now)) in before.Headers.Zip(after.Headers))
        {
            if (name != ":authority" || was == now)
            {
                continue;
            }

            replaced++;
            if (now.AsSpan().ContainsAnyExcept('a') || AuthorityText.IsHost([.. was.Select(c => (byte)c)]))
            {
                return $":authority {was} became {now}";
            }
        }

        // What was replaced may come again, out of the table, and be longer than what is a host to begin with.
        return after.Headers.All(h => h.Name != ":authority" || h.Value.StartsWith("static", StringComparison.Ordinal)
            || AuthorityText.IsHost([.. h.Value.Select(c => (byte)c)]) || !h.Value.AsSpan().ContainsAnyExcept('a'))
            ? null : "an :authority that is no host passed";
    }
}
