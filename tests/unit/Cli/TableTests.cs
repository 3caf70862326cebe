// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Cli;

namespace UsbHostd.Tests.Cli;

[TestFixture]
internal sealed class TableTests
{
    [Test]
    public void Write_NoTerminal_HasFullWidthAndTheFormOfVirsh() => Assert.That(
        Written(null),
        Is.EqualTo(
            """
             Id   Name                            State
            ---------------------------------------------
             1    a rather long name of a thing   free
             22   ключ                            in use


            """));

    [Test]
    public void Write_NarrowTerminal_CutsTheColumnThatMayShrink() => Assert.That(
        Written(30),
        Is.EqualTo(
            """
             Id   Name             State
            ------------------------------
             1    a rather long…   free
             22   ключ             in use


            """));

    [Test]
    public void Write_TinyTerminal_KeepsWhatCanBeRead() => Assert.That(Written(10), Does.Contain(" 1    a rathe…   free\n"));

    private static string Written(int? width)
    {
        var table = new Table(["Id", "Name", "State"], 1);
        table.Add("1", "a rather long name of a thing", "free");
        table.Add("22", "ключ", "in use");
        using var output = new StringWriter();
        table.Write(output, width);
        return output.ToString();
    }
}
