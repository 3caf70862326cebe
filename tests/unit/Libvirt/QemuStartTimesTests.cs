// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Daemon.Guests;

namespace UsbHostd.Tests.Libvirt;

/// <summary>Process ids as libvirt leaves them, and what the kernel says of the processes.</summary>
[TestFixture]
internal sealed class QemuStartTimesTests
{
    private string folder = null!;

    [SetUp]
    public void MakeFolder() => folder = Directory.CreateTempSubdirectory("usbhostd-qemu-").FullName;

    [TearDown]
    public void RemoveFolder() => Directory.Delete(folder, recursive: true);

    [TestCase("(qemu-system-x86)")]
    [TestCase("(a) R 1 (b)")]
    public void Of_NameInParentheses_IsTheTwentySecondField(string name)
    {
        Write("alpha.pid", "4711\n");
        Write("4711/stat", $"4711 {name} S {string.Join(' ', Enumerable.Range(4, 49))}\n");

        Assert.That(new QemuStartTimes(folder, folder).Of("alpha"), Is.EqualTo(22));
    }

    [Test]
    public void Of_ProcessThatRuns_IsWhatTheKernelSays()
    {
        Write("alpha.pid", $"{Environment.ProcessId}");

        var started = new QemuStartTimes(folder, "/proc").Of("alpha");

        Assert.That(started, Is.Positive);
        Assert.That(new QemuStartTimes(folder, "/proc").Of("alpha"), Is.EqualTo(started));
    }

    [TestCase("")]
    [TestCase("-1")]
    [TestCase("4711")]
    [TestCase("4712")]
    [TestCase("many")]
    public void Of_WhatMakesNoSense_IsNotKnown(string pid)
    {
        Write("alpha.pid", pid);
        Write("4712/stat", "4712 (qemu) S 1");

        Assert.That(new QemuStartTimes(folder, folder).Of("alpha"), Is.Null);
    }

    [TestCase("beta")]
    [TestCase("../alpha")]
    public void Of_GuestWithoutAFile_IsNotKnown(string guest)
    {
        Write("alpha.pid", $"{Environment.ProcessId}");

        Assert.That(new QemuStartTimes(Path.Combine(folder, "sub"), "/proc").Of(guest), Is.Null);
    }

    [TestCase("qemu+ssh://host/system")]
    [TestCase("qemu:///session")]
    [TestCase("test:///default")]
    public void For_OtherConnections_KnowsOfNone(string uri) => Assert.That(QemuStartTimes.For(uri, "/proc").Of("alpha"), Is.Null);

    private void Write(string file, string text)
    {
        var path = Path.Combine(folder, file);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }
}
