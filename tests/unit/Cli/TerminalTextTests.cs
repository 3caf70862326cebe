// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Api.V1;
using UsbHostd.Cli;

namespace UsbHostd.Tests.Cli;

[TestFixture]
internal sealed class TerminalTextTests
{
    [TestCase("DataTraveler 3.0", "DataTraveler 3.0")]
    [TestCase("Schlüssel キー 🔑", "Schlüssel キー 🔑")]
    [TestCase("\u001b[2J\u001b]0;owned\a", @"\x1b[2J\x1b]0;owned\x07")]
    [TestCase("a\r\n\tb\0", @"a\x0d\x0a\x09b\x00")]
    [TestCase("\u009b31m\u007f", @"\x9b31m\x7f")]
    [TestCase("abc\u202egpj.exe\u2066", @"abc\u202egpj.exe\u2066")]
    [TestCase("a\u2028b\u2029c\u200bd\ufeff", @"a\u2028b\u2029c\u200bd\ufeff")]
    [TestCase("tag \U000e0041", @"tag \U000e0041")]
    [TestCase(@"\x1b", @"\\x1b")]
    public void Escape_Text_ShowsExactlyWhatIsThere(string text, string shown) =>
        Assert.That(TerminalText.Escape(text), Is.EqualTo(shown));

    [Test]
    public void Escape_HalfOfAPair_IsShownAsWhatItIs() =>
        Assert.That(TerminalText.Escape("half \ud83d and \udd11"), Is.EqualTo(@"half \ud83d and \udd11"));

    [Test]
    public void Escape_EveryCharacter_LeavesNothingThatSteers()
    {
        for (var c = '\0'; c < char.MaxValue; c++)
        {
            var shown = TerminalText.Escape("a" + c);
            Assert.That(shown.Any(unit => char.IsControl(unit) || unit is '\u2028' or '\u2029' or (>= '\u202a' and <= '\u202e')
                or (>= '\u2066' and <= '\u2069') or (>= '\ud800' and <= '\udfff')), Is.False, $"U+{(int)c:X4}");
        }
    }

    [Test]
    public void Json_HostileStrings_AreEscapedAndMeanTheSame()
    {
        const string hostile = "\u001b[2J \u007f \u009b \u2028 \u202e \u2066 \U000e0041 \" \\ </script> ключ 🔑";

        var json = JsonText.Of(new Device { ProductName = hostile });

        Assert.Multiple(() =>
        {
            Assert.That(TerminalText.Escape(json.Replace('\\', '/')), Is.EqualTo(json.Replace('\\', '/')));
            Assert.That(
                System.Text.Json.JsonDocument.Parse(json).RootElement.GetProperty("productName").GetString(), Is.EqualTo(hostile));
        });
    }

    [Test]
    public void Json_EmptyList_IsThere() => Assert.That(JsonText.Of(new ListDevicesResponse()), Does.Contain("\"devices\": [ ]"));

    [TestCase("abcdef", 6, "abcdef")]
    [TestCase("abcdefg", 6, "abcde…")]
    [TestCase("キーボード", 6, "キー…")]
    [TestCase("e\u0301e\u0301e\u0301", 3, "e\u0301e\u0301e\u0301")]
    public void Fit_Text_TakesNoMoreColumns(string text, int columns, string fitted) =>
        Assert.That(TerminalText.Fit(text, columns), Is.EqualTo(fitted));
}
