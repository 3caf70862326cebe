// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Policy.Devices;

namespace UsbHostd.Tests.Devices;

[TestFixture]
internal sealed class OneLineTests
{
    [TestCase("one line", ExpectedResult = "one line")]
    [TestCase("Must be one of:\n\t'serial'\n\t'port'", ExpectedResult = "Must be one of: 'serial'; 'port'")]
    [TestCase("qemu failed\r\nqemu: no room\n", ExpectedResult = "qemu failed; qemu: no room")]
    [TestCase("a\u001b[2J\nb", ExpectedResult = "a\u001b[2J; b")]
    [TestCase("\n\n", ExpectedResult = "")]
    [TestCase("", ExpectedResult = "")]
    public string Of_Text_IsOneLine(string text) => OneLine.Of(text);
}
