// SPDX-License-Identifier: Apache-2.0
using FsCheck;
using FsCheck.Fluent;
using NUnit.Framework;
using UsbHostd.Policy.Rules.Import;

namespace UsbHostd.Tests.Rules.Import;

[TestFixture]
internal sealed class RedirFilterTests
{
    private static readonly Arbitrary<int> Seeds = Gen.Choose(0, int.MaxValue).ToArbitrary();
    private static readonly Config Often = Config.QuickThrowOnFailure.WithMaxTest(3000);

    [TestCase("0x03,-1,-1,-1,0|-1,-1,-1,-1,1", "0x03,-1,-1,-1,0|-1,-1,-1,-1,1")]
    [TestCase("8:2385:0x1666:-1:1", "0x08,0x0951,0x1666,-1,1")]
    [TestCase("||010,-1,-1,0x0256,7||", "0x08,-1,-1,0x0256,1")]
    [TestCase("", "")]
    public void TryParse_Filter_IsPrintedForSpice(string text, string printed)
    {
        Assert.That(RedirFilter.TryParse(text, out var filter, out _));
        Assert.That(filter!.ToText(','), Is.EqualTo(printed));
    }

    [TestCase("3,-1,-1,-1", "rule 1 of the usbredir filter, '3,-1,-1,-1': 4 fields")]
    [TestCase("-1,-1,-1,-1,1|256,-1,-1,-1,1", "rule 2 of the usbredir filter, '256,-1,-1,-1,1': class is '256', expected a number from -1 to 0xff")]
    [TestCase("3,0x10000,-1,-1,1", "vendor is '0x10000'")]
    [TestCase("3,-1,4294967295,-1,1", "product is '4294967295'")]
    [TestCase("3,-1,-1,99999999999999999999,1", "bcdDevice is '99999999999999999999'")]
    [TestCase("3,-1,-1,-1,yes", "allow is 'yes'")]
    public void TryParse_Malformed_SaysWhichRuleAndField(string text, string part)
    {
        Assert.That(RedirFilter.TryParse(text, out _, out var error), Is.False);
        Assert.That(error, Does.Contain(part));
    }

    [TestCase(',')]
    [TestCase(':')]
    public void TryParse_AnyText_IsTakenWhereUsbredirTakesIt(char separator) => Prop.ForAll(Seeds, seed =>
    {
        var text = new RandomFilters(seed).Text(separator);
        var taken = RedirFilter.TryParse(text, out var filter, out _);

        Assert.That(taken ? filter!.Rules.Length : (int?)null, Is.EqualTo(UsbredirFilterReference.Rules(text, separator.ToString())), text);
    }).Check(Often);

    [Test]
    public void Allows_AnyFilterAndDevice_IsWhatUsbredirSays() => Prop.ForAll(Seeds, seed =>
    {
        var random = new RandomFilters(seed);
        var (filter, device) = (random.Filter(withRelease: true), random.Device(0x00, 0xef, 0x08, 0xff));

        Assert.That(filter.Allows(device), Is.EqualTo(UsbredirFilterReference.Allows(filter.ToText(':'), ":", device)), filter.ToText(':') + device);
    }).Check(Often);

    [Test]
    public void Write_Filter_IsLibvirtsElement()
    {
        Assert.That(RedirFilter.TryParse("0x08,0x0951,0x1666,0x0256,1|-1,-1,-1,-1,0", out var filter, out _));

        Assert.That(RedirFilterXml.Write(filter!), Is.EqualTo("""
            <redirfilter>
              <usbdev class="0x08" vendor="0x0951" product="0x1666" version="2.56" allow="yes" />
              <usbdev allow="no" />
            </redirfilter>
            """));
    }
}
