// SPDX-License-Identifier: Apache-2.0
using System.Reflection;
using NUnit.Framework;

namespace UsbHostd.Tests.Architecture;

/// <summary>Who may know of whom.</summary>
[TestFixture]
internal sealed class ArrowTests
{
    private const string Own = "UsbHostd.";

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
}
