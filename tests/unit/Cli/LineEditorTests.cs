// SPDX-License-Identifier: Apache-2.0
using System.Text;
using NUnit.Framework;
using UsbHostd.Cli.Interactive;

namespace UsbHostd.Tests.Cli;

[TestFixture]
internal sealed class LineEditorTests
{
    private const string Left = "\u001b[D";
    private const string Up = "\u001b[A";
    private const string Down = "\u001b[B";
    private const string Home = "\u001b[1~";

    [TestCase("ab\r", "ab")]
    [TestCase("ac" + Left + "b\r", "abc")]
    [TestCase("bc\u0001a\u0005d\r", "abcd", Description = "Ctrl-A, Ctrl-E")]
    [TestCase("bc" + Home + "a\r", "abc")]
    [TestCase("abx\u007fc\r", "abc", Description = "backspace")]
    [TestCase("one two\u0017three\r", "one three", Description = "Ctrl-W")]
    [TestCase("one two\u001bb\u000b\r", "one ", Description = "Alt-B, Ctrl-K")]
    [TestCase("two one \u0015x\u0019\r", "xtwo one ", Description = "Ctrl-U, Ctrl-Y")]
    [TestCase("ab\u0001\u0004\r", "b", Description = "Ctrl-D")]
    [TestCase("\u0001\u001b[3~ä€😀\u007f\r", "ä€")]
    [TestCase("a\u001b[99;99;99;99;99;99;99b\r", "a9;99b", Description = "no sequence is as long")]
    [TestCase("new\u0003", "")]
    [TestCase(Up + "\r", "second")]
    [TestCase("new" + Up + Up + Down + "!\r", "second!")]
    [TestCase("new" + Up + Down + "!\r", "new!")]
    [TestCase("\u0012fir\r", "first", Description = "Ctrl-R")]
    [TestCase("x\u0012fir\u0007\r", "x", Description = "Ctrl-R, Ctrl-G")]
    [TestCase("de\t\r", "device-")]
    [TestCase("device-i\tblue\t\r", "device-info blue\\ stick ")]
    public void Read_Keys_MakeTheLine(string typed, string expected) => Assert.That(Read(typed).Line, Is.EqualTo(expected));

    [TestCase("\u0004")]
    [TestCase("")]
    public void Read_EndOfInput_IsNoLine(string typed) => Assert.That(Read(typed).Line, Is.Null);

    [Test]
    public void Read_TabTwice_ListsWhatThereIs() => Assert.That(Read("device-\t\t\r").Shown, Does.Contain("\r\ndevice-info  device-list  \r\n"));

    [Test]
    public void Read_LongLine_NeverReachesTheRightEdge()
    {
        var widest = Read(new string('x', 50) + "漢字漢字漢字漢字漢字\r", columns: 30).Shown.Split('\r').Select(line => line.Replace("\u001b[K", "", StringComparison.Ordinal))
            .Where(line => line.StartsWith('>')).Max(UsbHostd.Cli.TerminalText.WidthOf);

        Assert.That(widest, Is.InRange(28, 29));
    }

    [Test]
    public void Add_Lines_AreKeptForTheNext()
    {
        var folder = Directory.CreateTempSubdirectory("usbhostd-history-");
        var path = Path.Combine(folder.FullName, "a", "b", "history");
        var history = History.Load(path);

        foreach (var line in new[] { "one", " secret", "two", "two", "bad\u001b[2J" })
        {
            history.Add(line);
        }

        Assert.That(History.Load(path).Lines, Is.EqualTo(["one", "two"]));
        folder.Delete(recursive: true);
    }

    [Test]
    public void Load_LongFile_IsCut()
    {
        var path = Path.GetTempFileName();
        File.WriteAllLines(path, Enumerable.Range(0, 2 * History.MostLines + 1).Select(i => $"line {i}"));

        History.Load(path);

        Assert.That(File.ReadLines(path).Count(), Is.EqualTo(History.MostLines));
        File.Delete(path);
    }

    [Test]
    public void Add_NoPlaceToWrite_IsNoError()
    {
        var history = History.Load("/proc/nowhere/history");

        history.Add("one");

        Assert.That(history.Lines, Is.EqualTo(["one"]));
    }

    [TestCase("/state", "/srv/u", "/state/usbhostd/history")]
    [TestCase("state", "/srv/u", "/srv/u/.local/state/usbhostd/history")]
    [TestCase(null, "/srv/u", "/srv/u/.local/state/usbhostd/history")]
    [TestCase(null, null, null)]
    public void PathOf_Environment_IsThatOfXdg(string? state, string? home, string? expected) =>
        Assert.That(History.PathOf(name => name == "HOME" ? home : state), Is.EqualTo(expected));

    private static (string? Line, string Shown) Read(string typed, int columns = 80)
    {
        var bytes = new MemoryStream(Encoding.UTF8.GetBytes(typed));
        using var output = new StringWriter();
        var history = History.Load(null);
        history.Add("first");
        history.Add("second");
        var line = new LineEditor(new KeyReader(bytes.ReadByte), output, () => columns, history, Complete, () => { }).Read("> ");
        return (line, output.ToString());
    }

    private static Completions Complete(string before)
    {
        var line = ShellLine.Parse(before);
        string[] known = line.Begun.Length == 1 ? ["device-info", "device-list"] : ["blue stick"];
        return new Completions(line.BegunAt, line.Begun[^1], [.. known.Where(word => word.StartsWith(line.Begun[^1], StringComparison.Ordinal))]);
    }
}
