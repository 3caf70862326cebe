// SPDX-License-Identifier: Apache-2.0
using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using UsbHostd.Daemon.Grpc.Connections;
using UsbHostd.Daemon.Service;

namespace UsbHostd.Tests.Grpc;

/// <summary>Who gets in while others keep as many connections as they may.</summary>
[TestFixture]
internal sealed class ConnectionShareTests
{
    private const int Most = 256;
    private const uint Administrator = 999;

    private readonly TaskCompletionSource end = new();
    private ConnectionShare share = null!;

    [SetUp]
    public void SetUp() => share = new ConnectionShare(
        new CallerLimits(new CallerLimitOptions(), TimeProvider.System), Most, caller => caller.Uid == Administrator, NullLogger.Instance);

    [Test]
    public void Connections_FourCallersTakeAllTheyGet_RootAndAnAdministratorComeIn()
    {
        var served = Enumerable.Range(0, 4 * 64).Count(i => IsServed((uint)(1000 + (i % 4))));

        Assert.Multiple(() =>
        {
            Assert.That(served, Is.EqualTo(Most - (Most / 4)), "the last quarter is not for them");
            Assert.That(IsServed(2000), Is.False, "nor for another one who is no administrator");
            Assert.That(IsServed(Administrator), Is.True);
            Assert.That(IsServed(0), Is.True);
        });
    }

    [Test]
    public void Connections_AdministratorTakesAllHeGets_RootComesIn()
    {
        Assert.That(Enumerable.Range(0, Most).Count(_ => IsServed(Administrator)), Is.EqualTo(Most / 4));
        Assert.That(Enumerable.Range(0, Most).All(_ => IsServed(0)), Is.True);
    }

    [Test]
    public async Task Connections_ThatEnded_CountNoMore()
    {
        for (var i = 0; i < 2 * Most; i++)
        {
            await share.ServeAsync(Connection((uint)(1000 + (i % 4))), _ => Task.CompletedTask);
        }

        Assert.That(IsServed(1000), Is.True);
    }

    private bool IsServed(uint uid)
    {
        var served = false;
        _ = share.ServeAsync(Connection(uid), _ =>
        {
            served = true;
            return end.Task;
        });
        return served;
    }

    private static DefaultConnectionContext Connection(uint uid)
    {
        var (input, output) = (new Pipe(), new Pipe());
        var connection = new DefaultConnectionContext("test", new Duplex(input.Reader, output.Writer), new Duplex(output.Reader, input.Writer));
        connection.Features.Set(new Caller(uid, [], "grpc", 1));
        return connection;
    }

    private sealed record Duplex(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
