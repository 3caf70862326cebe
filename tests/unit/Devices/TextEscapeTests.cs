// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using NUnit.Framework;
using UsbHostd.Policy.Devices;

namespace UsbHostd.Tests.Devices;

[TestFixture]
internal sealed class TextEscapeTests
{
    [TestCase(null, "")]
    [TestCase("DataTraveler 3.0", "DataTraveler 3.0")]
    [TestCase("Müller 東京 😀", "Müller 東京 😀")]
    [TestCase("a\u001b[2Jb", @"a\x1b[2Jb")]
    [TestCase("line\nfeed\r\t\0", @"line\x0afeed\x0d\x09\x00")]
    [TestCase("\u007f\u009b31m", @"\x7f\x9b31m")]
    [TestCase("abc\u202etxt.exe\u2066", @"abc\u202etxt.exe\u2066")]
    [TestCase("zero\u200bwidth\ufeff", @"zero\u200bwidth\ufeff")]
    [TestCase("\u2028\u2029", @"\u2028\u2029")]
    [TestCase("\ufffd", "\ufffd")]
    [TestCase(@"C:\x1b", @"C:\\x1b")]
    [TestCase("tag \U000e0041", @"tag \U000e0041")]
    public void Escape_Text_IsPrintable(string? text, string expected) => Assert.That(TextEscape.Escape(text), Is.EqualTo(expected));

    /// <summary>Not a test case: attributes are stored as UTF-8, which has no lone surrogates.</summary>
    [Test]
    public void Escape_LoneSurrogate_IsShownAsCode() =>
        Assert.That(TextEscape.Escape("lone \ud800 surrogate"), Is.EqualTo(@"lone \ud800 surrogate"));

    [Test]
    public void Escape_AnyText_HoldsNothingThatActs() => Check.QuickThrowOnFailure(Prop.ForAll(
        Texts,
        text => TextEscape.Escape(text).EnumerateRunes().All(rune =>
            !Rune.IsControl(rune) && Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.Format or UnicodeCategory.LineSeparator))));

    [Test]
    public void Escape_DifferentTexts_StayDifferent() => Check.QuickThrowOnFailure(Prop.ForAll(
        Texts,
        Texts,
        (one, other) => string.Equals(one, other, StringComparison.Ordinal)
            || !string.Equals(TextEscape.Escape(one), TextEscape.Escape(other), StringComparison.Ordinal)));

    private static Arbitrary<string> Texts => Gen.OneOf(
            ArbMap.Default.GeneratorFor<char>(),
            Gen.Elements('\\', 'x', '1', 'b', '\u001b', '\n', '\u202e', '\u009b', '\ud800', '\udc00', '\0'))
        .ArrayOf()
        .Select(chars => new string(chars))
        .ToArbitrary();
}
