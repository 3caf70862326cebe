// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using NUnit.Framework;
using NUnit.Framework.Internal;
using UsbHostd.Tests.Reconcile.Worlds;

namespace UsbHostd.Tests.Reconcile;

/// <summary>
/// 8,096 random worlds, the same at each run: a seed stands for a world and for what happens in it. A failure prints its seed and the
/// shortest list of steps that still fails. To run one seed alone, or some: USBHOSTD_WORLD=4711 or USBHOSTD_WORLD=8096-20000, with the
/// filter RandomWorlds_Replayed.
/// </summary>
[TestFixture]
[Parallelizable(ParallelScope.Children)]
internal sealed class RandomWorldsTests
{
    private const int Worlds = 8096;
    private const int Parts = 16;

    private static IEnumerable<int> Starts => Enumerable.Range(0, Parts).Select(i => i * (Worlds / Parts));

    [TestCaseSource(nameof(Starts))]
    public void RandomWorlds_OfFixedSeeds_KeepAllLaws(int from) => Check(from, from + (Worlds / Parts) - 1);

    [Test]
    public void RandomWorlds_Replayed_KeepAllLaws()
    {
        var seeds = (Environment.GetEnvironmentVariable("USBHOSTD_WORLD") ?? "0").Split('-').Select(s => int.Parse(s, CultureInfo.InvariantCulture)).ToList();

        Check(seeds[0], seeds[^1]);

        if (seeds is [var one])
        {
            TestContext.Out.WriteLine(string.Join('\n', RandomWorld.Tell(one, RandomWorld.Draw(one))));
        }
    }

    private static void Check(int first, int last)
    {
        for (var seed = first; seed <= last; seed++)
        {
            var steps = RandomWorld.Draw(seed);
            if (Run(seed, steps) is not null)
            {
                var few = Shortest(seed, steps);
                Assert.Fail($"seed {seed} ({few.Count} of {steps.Count} steps): {Run(seed, few)}");
            }
        }
    }

    /// <summary>Leaves out runs of steps, shorter and shorter, as long as it fails without them.</summary>
    private static IReadOnlyList<Step> Shortest(int seed, IReadOnlyList<Step> steps)
    {
        for (var length = steps.Count / 2; length > 0; length /= 2)
        {
            for (var at = 0; at + length <= steps.Count;)
            {
                Step[] fewer = [.. steps.Take(at), .. steps.Skip(at + length)];
                if (Run(seed, fewer) is null)
                {
                    at += length;
                }
                else
                {
                    steps = fewer;
                }
            }
        }

        return steps;
    }

    /// <summary>An assertion of the simulation is a failure of this run alone.</summary>
    private static string? Run(int seed, IReadOnlyList<Step> steps)
    {
        using var own = new TestExecutionContext.IsolatedContext();
        return RandomWorld.Run(seed, steps);
    }
}
