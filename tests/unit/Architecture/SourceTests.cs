// SPDX-License-Identifier: Apache-2.0
using System.Text.RegularExpressions;
using NUnit.Framework;

namespace UsbHostd.Tests.Architecture;

/// <summary>What no analyzer says of the sources.</summary>
[TestFixture]
internal sealed partial class SourceTests
{
    private const int MostMilliseconds = 5000;

    private static readonly string[] Product = ["policy", "core", "libvirt", "api", "daemon", "cli"];

    /// <summary>The loop, the workers, the doors, and threads that native code or the kernel feeds: what escapes them ends the process.</summary>
    private static readonly string[] MayCatchAll =
    [
        "daemon/Reconcile/ReconcileLoop.cs", "daemon/Reconcile/ActionRunner.cs", "daemon/Grpc/ServedMethods.cs", "daemon/DaemonHost.cs", "daemon/StopSteps.cs",
        "daemon/Dbus/DbusDoor.cs",
        "daemon/Guests/LibvirtGuestHost.cs", "daemon/Usb/UdevUsbHost.cs", "daemon/Usb/DeviceNodeWatch.cs", "libvirt/LibvirtEventSubscription.cs",
    ];

    [Test]
    public void Files_AreOfAReadableLength()
    {
        // 300 lines are the aim. A file that is a little over it is not worth a cut in the middle of a thought. The licence's line does not count.
        var tooLong = Repository.Sources([.. Product, "tests", "bench"]).Select(s => (s.Path, Lines: s.Text.Count(c => c == '\n') - 1)).Where(s => s.Lines > 350);

        Assert.That(tooLong, Is.Empty);
    }

    [Test]
    public void ExceptionIsCaught_AtTheLoopTheWorkersAndTheDoorsOnly()
    {
        var catching = Repository.Sources(Product)
            .Where(s => CatchAll().Matches(s.Text).Any(m => !Cleanup().IsMatch(s.Text[m.Index..]))).Select(s => s.Path);

        Assert.That(catching, Is.SubsetOf(MayCatchAll));
    }

    [Test]
    public void MayCatchAll_NamesFilesThatAreThere() => Assert.That(MayCatchAll.Select(f => Path.Combine(Repository.Root, f)), Has.All.Exist);

    [Test]
    public void XmlOfDevices_IsWrittenInOnePlace()
    {
        var writing = Repository.Sources(Product).Where(s => s.Text.Contains("<hostdev", StringComparison.Ordinal) || s.Text.Contains("XmlWriter.Create", StringComparison.Ordinal)).Select(s => s.Path);

        Assert.That(writing, Has.All.StartsWith("daemon/Attach/").Or.EqualTo("policy/Rules/Import/RedirFilterXml.cs"));
    }

    /// <summary>A character that the bus refuses ends the connection to it.</summary>
    [Test]
    public void TextsForTheBus_AreMadeValidInOnePlace()
    {
        var writing = Repository.Sources(["daemon"]).Where(s => s.Text.Contains(".WriteString(", StringComparison.Ordinal) || s.Text.Contains(".WriteVariantString(", StringComparison.Ordinal)).Select(s => s.Path);

        Assert.That(writing, Is.EqualTo(["daemon/Dbus/MessageBody.cs"]));
    }

    /// <summary>All exceptions; those with a filter say which.</summary>
    [GeneratedRegex(@"catch( \(Exception( \w+)?\))?\s*\{", RegexOptions.ExplicitCapture, MostMilliseconds)]
    private static partial Regex CatchAll();

    /// <summary>One that puts things in order and lets the exception go on.</summary>
    [GeneratedRegex(@"^catch[^{]*\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\bthrow\b", RegexOptions.Singleline | RegexOptions.ExplicitCapture, MostMilliseconds)]
    private static partial Regex Cleanup();
}
