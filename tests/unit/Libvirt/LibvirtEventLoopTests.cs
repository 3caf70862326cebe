// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;
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
        Assert.That(() => LibvirtEventLoop.Start(), Throws.InvalidOperationException);
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
    public void Turn_Fails_IsToldOnceAndEndsTheLoop()
    {
        using var told = new BlockingCollection<LibvirtException>();
        using var loop = LibvirtEventLoop.Start(() => -1, told.Add);

        Assert.That(told.TryTake(out var failure, TimeSpan.FromSeconds(30)), Is.True);
        Assert.That(failure!.Function, Is.EqualTo("virEventRunDefaultImpl"));
        loop.Dispose();
        Assert.That((loop.IsRunning, told.Count), Is.EqualTo((false, 0)));
    }

    [Test]
    public void Dispose_IsNoFailure()
    {
        using var told = new BlockingCollection<LibvirtException>();
        LibvirtEventLoop.Start(told.Add).Dispose();
        Assert.That(told, Is.Empty);
    }

    [Test]
    public void Start_AfterDispose_RunsAgain()
    {
        LibvirtEventLoop.Start().Dispose();
        using var again = LibvirtEventLoop.Start();
        Assert.That(again.IsRunning, Is.True);
    }
}
