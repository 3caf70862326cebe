// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Cli.Interactive;

namespace UsbHostd.Tests.Cli;

[TestFixture]
internal sealed class ShellLineTests
{
    [TestCase("device-list", "device-list")]
    [TestCase("  a   b ", "a|b")]
    [TestCase("a 'b c' \"d e\" f\\ g", "a|b c|d e|f g")]
    [TestCase("a ''", "a|")]
    [TestCase("a'b'\"c\"", "abc")]
    [TestCase("a \"\\\"\\\\\\n\"", "a|\"\\\\n")]
    [TestCase("a '\\'", "a|\\")]
    [TestCase("a; b c;;d", "a/b|c/d")]
    [TestCase("a # b; c", "a")]
    [TestCase("a#b", "a#b")]
    [TestCase("# a", "")]
    [TestCase("", "")]
    public void Parse_Line_IsReadAsAShellDoes(string text, string expected) =>
        Assert.That(string.Join('/', ShellLine.Parse(text).Commands.Select(words => string.Join('|', words))), Is.EqualTo(expected));

    [TestCase("a 'b", true)]
    [TestCase("a \"b", true)]
    [TestCase("a \\", true)]
    [TestCase("a 'b'", false)]
    public void Parse_QuoteWithoutEnd_IsOpen(string text, bool isOpen) => Assert.That(ShellLine.Parse(text).IsOpen, Is.EqualTo(isOpen));

    [TestCase("attach blue\\ st", "attach|blue st", 7)]
    [TestCase("uri; attach 'b", "attach|b", 12)]
    [TestCase("attach ", "attach|", 7)]
    [TestCase("", "", 0)]
    public void Parse_BegunWord_IsThereWithItsStart(string text, string words, int start)
    {
        var line = ShellLine.Parse(text);

        Assert.That((string.Join('|', line.Begun), line.BegunAt), Is.EqualTo((words, start)));
    }

    [Test]
    public void Quote_AnyWord_IsReadAsItself([Values("a b", "it's", "\"", "\\", "a;b", "#1", "ü ß", "x")] string word) =>
        Assert.That(ShellLine.Parse(ShellLine.Quote(word)).Commands.Single(), Is.EqualTo([word]));
}
