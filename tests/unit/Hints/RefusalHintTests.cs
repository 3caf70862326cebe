// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Api.V1;
using UsbHostd.Core.Claims;
using UsbHostd.Daemon.Service;

namespace UsbHostd.Tests.Hints;

/// <summary>Each hint on a refused command, followed as usbhostctl prints it, leads to what was asked for.</summary>
[TestFixture]
internal sealed class RefusalHintTests
{
    public static IEnumerable<TestCaseData> Cases =>
        RefusalHints.All.SelectMany(code => code.Value.Select(c => new TestCaseData(code.Key, c).SetArgDisplayNames(code.Key.ToString(), c.Name)));

    [Test]
    public void Codes_All_AreFollowedOrExplained() =>
        Assert.That(RefusalHints.All.Keys.Concat(RefusalHints.Exempt.Keys), Is.EquivalentTo(Enum.GetValues<ErrorCode>()));

    [Test]
    public void Refusals_All_HaveACodeThatIsFollowed([Values] Refusal why) =>
        Assert.That(RefusalHints.All.ContainsKey(WireClaims.ErrorCode(why)) || why == Refusal.RequestReused);

    [TestCaseSource(nameof(Cases))]
    public async Task Hint_FollowedWordByWord_LeadsThere(ErrorCode code, HintCase hint) =>
        await (hint with
        {
            Show = async bed =>
            {
                var shown = await hint.Show(bed);
                Assert.That(bed.Code, Is.EqualTo(code), shown);
                return shown;
            },
        }).FollowAsync();
}
