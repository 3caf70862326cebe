// SPDX-License-Identifier: Apache-2.0
using Microsoft.Extensions.Logging;
using NUnit.Framework;
using UsbHostd.Daemon.Logging;
using UsbHostd.Tests.Grpc;
using UsbHostd.Tests.Reconcile.Sim;

namespace UsbHostd.Tests.Service;

[TestFixture]
internal sealed class LimitedLoggerTests
{
    private static readonly EventId Noise = new(1306);

    private ManualTime time = null!;
    private RecordedLog log = null!;
    private LimitedLogger limited = null!;

    [SetUp]
    public void SetUp()
    {
        (time, log) = (new ManualTime(), new RecordedLog());
        limited = new LimitedLogger(log.CreateLogger("UsbHostd.Test"), time);
    }

    [TearDown]
    public void TearDown() => log.Dispose();

    [Test]
    public void Log_LinesOfOneKindWithoutEnd_AreBoundedAndCounted()
    {
        Write(Noise, LogLevel.Information, 1000);
        Assert.That(log.Entries, Has.Count.EqualTo(LimitedLogger.Burst));

        time.Advance(LimitedLogger.Pause, () => { });
        Write(Noise, LogLevel.Information, 10);

        Assert.That(log.Entries, Has.Count.EqualTo(LimitedLogger.Burst + 1));
        Assert.That(log.Entries.Last().Text, Is.EqualTo($"line ({1000 - LimitedLogger.Burst} more lines like this were left out)"));
    }

    [Test]
    public void Log_AnotherKind_HasABudgetOfItsOwn()
    {
        Write(Noise, LogLevel.Information, 1000);
        Write(new EventId(1300), LogLevel.Warning, 1);

        Assert.That(log.Entries.Last(), Is.EqualTo((1300, LogLevel.Warning, "line")));
    }

    [Test]
    public void Log_DebugLines_AllPass()
    {
        Write(Noise, LogLevel.Debug, 1000);

        Assert.That(log.Entries, Has.Count.EqualTo(1000));
    }

    private void Write(EventId kind, LogLevel level, int lines)
    {
        for (var i = 0; i < lines; i++)
        {
            limited.Log(level, kind, "line", null, (text, _) => text);
        }
    }
}
