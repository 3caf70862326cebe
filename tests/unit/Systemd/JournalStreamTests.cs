// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using NUnit.Framework;
using UsbHostd.Daemon.Logging;

namespace UsbHostd.Tests.Systemd;

[TestFixture]
internal sealed class JournalStreamTests
{
    private FileStream file = null!;

    private int Descriptor => (int)file.SafeFileHandle.DangerousGetHandle();

    [SetUp]
    public void OpenFile() => file = new FileStream(Path.GetTempFileName(), FileMode.Open, FileAccess.Read, FileShare.Read, 1, FileOptions.DeleteOnClose);

    [TearDown]
    public void CloseFile() => file.Dispose();

    [Test]
    public void IsJournal_DeviceAndInodeOfTheDescriptor_IsTrue() =>
        Assert.That(JournalStream.IsJournal(Descriptor, Stat("%d:%i")), Is.True);

    [TestCase("%d:1%i", Description = "another inode")]
    [TestCase("1%d:%i", Description = "another device")]
    public void IsJournal_ASocketThatSomebodyElseInherited_IsFalse(string format) =>
        Assert.That(JournalStream.IsJournal(Descriptor, Stat(format)), Is.False);

    [TestCase(null)]
    [TestCase("")]
    [TestCase("9")]
    [TestCase("9:-1")]
    [TestCase("9:1:2")]
    [TestCase("9:99999999999999999999999")]
    public void IsJournal_NoNumbers_IsFalse(string? stream) => Assert.That(JournalStream.IsJournal(Descriptor, stream), Is.False);

    [Test]
    public void IsJournal_DescriptorThatIsNotOpen_IsFalse() => Assert.That(JournalStream.IsJournal(-1, "9:1"), Is.False);

    /// <summary>What stat(1) says of the file.</summary>
    private string Stat(string format)
    {
        using var stat = Process.Start(new ProcessStartInfo("stat", ["-c", format, file.Name]) { RedirectStandardOutput = true, UseShellExecute = false })!;
        var text = stat.StandardOutput.ReadToEnd().Trim();
        stat.WaitForExit();
        return text;
    }
}
