// SPDX-License-Identifier: Apache-2.0
using System.Text.RegularExpressions;
using NUnit.Framework;

namespace UsbHostd.Tests.Hints;

/// <summary>A condition, the hint that is printed for it, and what a person does by hand where the hint says so.</summary>
/// <param name="Name">For the test's name.</param>
/// <param name="Show">Makes the condition, and gives the hint as it is printed.</param>
internal sealed partial record HintCase(string Name, Func<HintBed, Task<string>> Show)
{
    /// <summary>Steps that add to what was said, or only look at something: nothing is done.</summary>
    private static readonly string[] Remarks =
    [
        "the claim goes on by itself", "it is tried again by itself", "a restart of it leaves guests running", "journalctl -u usbhostd",
        "systemctl status", "virsh domblklist", "lsblk", "please report them",
    ];

    /// <summary>What a person does at a step that contains the words; each way of the hint has to be one of these or a command of ours.</summary>
    public Dictionary<string, Action<HintBed>> ByHand { get; init; } = new(StringComparer.Ordinal);

    /// <summary>What a person puts for a word that the program can't know.</summary>
    public Dictionary<string, string> Chosen { get; init; } = new(StringComparer.Ordinal);

    /// <summary>As <see cref="Chosen"/>, of what is known in the test only.</summary>
    public Func<HintBed, Dictionary<string, string>>? ChosenIn { get; init; }

    /// <summary>What shows that the condition is cured; else that the guest has the device, and nothing is said against the claims.</summary>
    public Action<HintBed>? Cured { get; init; }

    /// <summary>Follows each way of the hint word by word, each from a fresh start.</summary>
    public async Task FollowAsync()
    {
        var ways = 1;
        for (var way = 0; way < ways; way++)
        {
            await using var bed = await HintBed.StartAsync();
            var hint = await Show(bed);
            var read = HintReader.Ways(hint);
            ways = read.Count;
            foreach (var step in read[way])
            {
                await StepAsync(bed, step, hint);
            }

            Check(bed, read[way][^1], hint);
        }
    }

    public override string ToString() => Name;

    private async Task StepAsync(HintBed bed, string step, string hint)
    {
        if (HintReader.Command(step) is { } words)
        {
            words = [.. words.Select(word => Filled(word, ChosenIn?.Invoke(bed) ?? Chosen))];
            Assert.That(words.Skip(1).Where(w => Placeholder().IsMatch(w)), Is.Empty, $"words that the reader has to guess, in: {hint}");
            if (words[0] == "usbhostctl")
            {
                var result = await bed.TypeAsync(words);

                // Its exit status is the verdict.
                Assert.That(words[1] == "policy-explain" ? result.Error : $"{result.Exit}", Is.EqualTo(words[1] == "policy-explain" ? "" : "0"), $"{string.Join(' ', words)}\n{result.Error}\nin: {hint}");
                bed.World.Settle();
                return;
            }

            OtherPrograms.Check(words);
        }

        if (ByHand.FirstOrDefault(hand => step.Contains(hand.Key, StringComparison.Ordinal)) is { Value: { } act })
        {
            act(bed);
            bed.World.Settle();
        }
        else
        {
            Assert.That(Remarks.Any(remark => step.Contains(remark, StringComparison.Ordinal)), Is.True, $"nobody does \"{step}\", in: {hint}");
        }
    }

    private void Check(HintBed bed, string last, string hint)
    {
        if (Cured is not null)
        {
            Cured(bed);
            return;
        }

        var givesUp = HintReader.Command(last) is ["usbhostctl", "claim-release", var claim] && claim == bed.Claim?.ToString();
        Assert.Multiple(() =>
        {
            Assert.That(bed.GuestHasDevice, Is.EqualTo(!givesUp), $"{hint}\n{string.Join("; ", bed.World.Host.Done)}");
            Assert.That(
                bed.World.State.Claims.Values.Where(e => e.Stands && e.Claim.Guest == bed.Guest.Id).Select(e => bed.ReasonOf(e.Id)),
                Is.All.EqualTo(Core.Claims.ClaimReason.None), hint);
        });
    }

    private static string Filled(string word, Dictionary<string, string> chosen) => chosen.Aggregate(word, (w, c) => w.Replace(c.Key, c.Value, StringComparison.Ordinal));

    [GeneratedRegex(@"\b(DEVICE|GUEST|PORT|CLAIM|FILE|REASON|VENDOR|PRODUCT|SERIAL|NAME|TARGET)\b|…", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Placeholder();
}
