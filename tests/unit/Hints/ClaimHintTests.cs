// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Core.Claims;

namespace UsbHostd.Tests.Hints;

/// <summary>Each hint on a claim, followed as it is printed by claim-info, cures what it is for.</summary>
[TestFixture]
internal sealed class ClaimHintTests
{
    public static IEnumerable<TestCaseData> Cases =>
        ClaimHints.All.SelectMany(reason => reason.Value.Select(c => new TestCaseData(reason.Key, c).SetArgDisplayNames(reason.Key.ToString(), c.Name)));

    [Test]
    public void Reasons_All_AreFollowedOrHaveNoHint() =>
        Assert.That(ClaimHints.All.Keys.Concat(ClaimHints.WithoutHint.Keys), Is.EquivalentTo(Enum.GetValues<ClaimReason>()));

    [TestCaseSource(nameof(Cases))]
    public async Task Hint_FollowedWordByWord_Cures(ClaimReason reason, HintCase hint) =>
        await (hint with
        {
            Show = async bed =>
            {
                var shown = await hint.Show(bed);
                Assert.That(bed.ReasonOf(bed.Claim!.Value), Is.EqualTo(reason), string.Join("; ", bed.World.Host.Done));
                return shown;
            },
        }).FollowAsync();

    [Test]
    public async Task Hint_NothingToDo_IsNotPrinted([Values(ClaimReason.None, ClaimReason.RetryLater, ClaimReason.Settling)] ClaimReason reason)
    {
        await using var bed = await HintBed.StartAsync();
        ClaimHints.WithoutHint[reason]!(bed);
        Assert.That(bed.ReasonOf(bed.Claim!.Value), Is.EqualTo(reason));

        var hint = await bed.ClaimHintAsync();
        bed.World.Advance(TimeSpan.FromMinutes(1));

        Assert.That((hint, bed.GuestHasDevice), Is.EqualTo(("", true)));
    }
}
