using NUnit.Framework;
using UsbHostd.Libvirt;

namespace UsbHostd.Tests.Libvirt;

[TestFixture]
[NonParallelizable]
internal sealed class LibvirtEventLoopTests
{
    [Test]
    public void Start_WhileRunning_IsRefused()
    {
        using var loop = LibvirtEventLoop.Start();
        Assert.That(LibvirtEventLoop.Start, Throws.InvalidOperationException);
    }

    [Test]
    public void Dispose_EndsTheThread()
    {
        var loop = LibvirtEventLoop.Start();
        Assume.That(loop.IsRunning, Is.True);
        loop.Dispose();
        Assert.That(loop.IsRunning, Is.False);
    }

    [Test]
    public void Dispose_Twice_DoesNothing()
    {
        var loop = LibvirtEventLoop.Start();
        loop.Dispose();
        Assert.That(loop.Dispose, Throws.Nothing);
    }

    [Test]
    public void Start_AfterDispose_RunsAgain()
    {
        LibvirtEventLoop.Start().Dispose();
        using var again = LibvirtEventLoop.Start();
        Assert.That(again.IsRunning, Is.True);
    }
}
