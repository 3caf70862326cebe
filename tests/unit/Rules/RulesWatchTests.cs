// SPDX-License-Identifier: Apache-2.0
using Microsoft.Extensions.Logging;
using NUnit.Framework;
using UsbHostd.Daemon.Rules;

namespace UsbHostd.Tests.Rules;

/// <summary>The kernel's own notices of real files.</summary>
[TestFixture]
internal sealed class RulesWatchTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public static IEnumerable<TestCaseData> Changes()
    {
        yield return Change("written", f => f.Write("rules.conf", "block"));
        yield return Change("made in the folder", f => f.Write("rules.d/60.conf", "block"));
        yield return Change("written in the folder", f => f.Write("rules.d/50.conf", "block"));
        yield return Change("removed", f => File.Delete(f.At("rules.d/50.conf")));
        yield return Change("renamed away", f => File.Move(f.At("rules.d/50.conf"), f.At("rules.d/50.off")));
        yield return Change("replaced by another", f => File.Move(f.At("rules.new"), f.At("rules.conf"), overwrite: true));
        yield return Change("given other rights", f => File.SetUnixFileMode(f.At("rules.conf"), UnixFileMode.UserRead | UnixFileMode.OtherWrite));
    }

    [TestCaseSource(nameof(Changes))]
    public async Task Watch_RuleFileChanged_IsTold(Action<RuleFolder> change)
    {
        using var folder = MakeFolder();
        var told = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var watch = new RulesWatch(folder.Options, TimeProvider.System, () => told.TrySetResult(), folder.Loggers.CreateLogger<RulesWatch>());

        change(folder);

        Assert.That(async () => await told.Task.WaitAsync(Patience), Throws.Nothing);
    }

    /// <summary>The shell empties a file before the program that fills it has begun: what is in it then is nobody's rules.</summary>
    [Test]
    public async Task Watch_FileBeingWritten_IsToldOnceItIsClosed()
    {
        using var folder = MakeFolder();
        var told = 0;
        var timer = new TimerAtHand();
        using var watch = new RulesWatch(folder.Options, timer, () => told++, folder.Loggers.CreateLogger<RulesWatch>());

        await using (var file = new FileStream(folder.At("rules.conf"), FileMode.Truncate, FileAccess.Write))
        {
            file.Write("allow 0951:1666"u8);
            file.Flush();
            folder.Write("rules.d/50.conf", "block"); // whole, but not alone
            await timer.SetAsync(Patience);
            timer.Fire();
            Assert.That(told, Is.Zero);
            file.Write(" to-guest \"erp\""u8);
        }

        await timer.SetAsync(Patience);
        timer.Fire();
        Assert.That(told, Is.EqualTo(1));
    }

    [Test]
    public void Watch_FolderThatIsNotThere_IsLogged()
    {
        using var folder = MakeFolder();
        Directory.Delete(folder.Options.Folder, recursive: true);

        using var watch = new RulesWatch(folder.Options, TimeProvider.System, () => { }, folder.Loggers.CreateLogger<RulesWatch>());

        Assert.That(folder.Logged, Has.Some.Contains("is not watched"));
    }

    private static RuleFolder MakeFolder()
    {
        var folder = new RuleFolder();
        folder.Write("rules.conf", "allow");
        folder.Write("rules.new", "block");
        folder.Write("rules.d/50.conf", "allow");
        return folder;
    }

    private static TestCaseData Change(string name, Action<RuleFolder> change) => new TestCaseData(change).SetName($"Watch_RuleFileChanged_IsTold({name})");

    /// <summary>A timer that tells when it is set, and fires when the test says so.</summary>
    private sealed class TimerAtHand : TimeProvider, ITimer
    {
        private readonly SemaphoreSlim set = new(0);
        private Action fire = () => { };

        public void Fire() => fire();

        public async Task SetAsync(TimeSpan within) => Assert.That(await set.WaitAsync(within), "the timer was not set");

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            fire = () => callback(state);
            return this;
        }

        public bool Change(TimeSpan dueTime, TimeSpan period) => set.Release() >= 0;

        public void Dispose() => set.Dispose();

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
