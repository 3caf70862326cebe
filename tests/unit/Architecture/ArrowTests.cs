using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using NUnit.Framework;

namespace UsbHostd.Tests.Architecture;

/// <summary>Who may know of whom.</summary>
[TestFixture]
internal sealed class ArrowTests
{
    private const string Own = "UsbHostd.";

    /// <summary>Types outside the pure core's reach: files, processes, sockets, threads, the console, the clock.</summary>
    private static readonly string[] Impure =
    [
        "System.IO.File", "System.IO.FileInfo", "System.IO.FileStream", "System.IO.Directory", "System.IO.DirectoryInfo", "System.IO.StreamReader",
        "System.IO.StreamWriter", "System.Console", "System.Diagnostics.Process", "System.Threading.Thread",
        "System.Threading.Timer", "System.Threading.Tasks.Task", "System.TimeProvider", "System.Random", "System.Net.Sockets.Socket",
        "System.Runtime.InteropServices.NativeLibrary",
    ];

    [TestCase("policy")]
    [TestCase("core", "policy")]
    [TestCase("libvirt")]
    [TestCase("api")]
    [TestCase("daemon", "core", "policy", "libvirt", "api")]
    [TestCase("cli", "api", "policy")]
    public void Project_RefersTo_TheseProjectsOnly(string project, params string[] others) =>
        Assert.That(Repository.References(project, "ProjectReference"), Is.EquivalentTo(others));

    [TestCase("policy")]
    [TestCase("core")]
    [TestCase("libvirt")]
    [TestCase("daemon", "Grpc.AspNetCore.Server", "Tmds.DBus.Protocol")]
    [TestCase("api", "Google.Protobuf", "Grpc.Net.Client", "Grpc.StatusProto", "Grpc.Tools")]
    [TestCase("cli", "System.CommandLine")]
    public void Project_Uses_ThesePackagesOnly(string project, params string[] packages) =>
        Assert.That(Repository.References(project, "PackageReference"), Is.EquivalentTo(packages));

    [TestCase("UsbHostd.Policy")]
    [TestCase("UsbHostd.Core", "UsbHostd.Policy")]
    [TestCase("UsbHostd.Libvirt")]
    [TestCase("UsbHostd.Api")]
    [TestCase("usbhostd", "UsbHostd.Core", "UsbHostd.Policy", "UsbHostd.Libvirt", "UsbHostd.Api")]
    [TestCase("usbhostctl", "UsbHostd.Api", "UsbHostd.Policy")]
    public void Assembly_Knows_TheseOfOursOnly(string assembly, params string[] others) =>
        Assert.That(
            Assembly.Load(assembly).GetReferencedAssemblies().Select(a => a.Name!).Where(n => n.StartsWith(Own, StringComparison.Ordinal) || n == "usbhostd"),
            Is.SubsetOf(others));

    [TestCase("UsbHostd.Policy")]
    [TestCase("UsbHostd.Core")]
    [TestCase("UsbHostd.Libvirt")]
    public void Assembly_NeedsNothing_ButTheRuntime(string assembly) =>
        Assert.That(
            Assembly.Load(assembly).GetReferencedAssemblies().Select(a => a.Name!).Except(["UsbHostd.Policy"], StringComparer.Ordinal),
            Has.All.StartsWith("System.").And.None.StartsWith("System.Net"));

    [Test]
    public void PureAssembly_HasNoEffects([Values("UsbHostd.Policy", "UsbHostd.Core")] string assembly) =>
        Assert.That(TypesUsedBy(assembly).Intersect(Impure, StringComparer.Ordinal), Is.Empty);

    [Test]
    public void PureAssembly_ReadsNoClockAndMakesNoNames([Values("UsbHostd.Policy", "UsbHostd.Core")] string assembly) =>
        Assert.That(
            MembersUsedBy(assembly).Intersect(["DateTimeOffset.get_UtcNow", "DateTimeOffset.get_Now", "DateTime.get_UtcNow", "DateTime.get_Now", "Guid.NewGuid"], StringComparer.Ordinal),
            Is.Empty);

    [Test]
    public void PureAssembly_ReadsNoEnvironment([Values("UsbHostd.Policy", "UsbHostd.Core")] string assembly) =>
        Assert.That(
            MembersUsedBy(assembly).Where(m => m.StartsWith("Environment.", StringComparison.Ordinal)),
            Is.SubsetOf(["Environment.get_CurrentManagedThreadId"]), "the compiler's own iterators ask for the thread");

    [Test]
    public void NoAssembly_Sleeps([Values("UsbHostd.Policy", "UsbHostd.Core", "UsbHostd.Libvirt", "UsbHostd.Api", "usbhostd", "usbhostctl", "UsbHostd.Tests")] string assembly) =>
        Assert.That(MembersUsedBy(assembly).Intersect(["Thread.Sleep", "Thread.SpinWait", "SpinWait.SpinUntil"], StringComparer.Ordinal), Is.Empty);

    private static HashSet<string> TypesUsedBy(string assembly)
    {
        using var pe = new PEReader(File.OpenRead(Assembly.Load(assembly).Location));
        var metadata = pe.GetMetadataReader();
        return [.. metadata.TypeReferences.Select(metadata.GetTypeReference).Select(t => $"{metadata.GetString(t.Namespace)}.{metadata.GetString(t.Name)}")];
    }

    private static HashSet<string> MembersUsedBy(string assembly)
    {
        using var pe = new PEReader(File.OpenRead(Assembly.Load(assembly).Location));
        var metadata = pe.GetMetadataReader();
        return
        [
            .. metadata.MemberReferences.Select(metadata.GetMemberReference).Where(m => m.Parent.Kind == HandleKind.TypeReference)
                .Select(m => $"{metadata.GetString(metadata.GetTypeReference((TypeReferenceHandle)m.Parent).Name)}.{metadata.GetString(m.Name)}"),
        ];
    }
}
