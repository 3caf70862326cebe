// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using Microsoft.Extensions.Logging;
using NUnit.Framework;
using UsbHostd.Daemon.Rules;
using UsbHostd.Policy.Rules;

namespace UsbHostd.Tests.Rules;

/// <summary>The files of rules: which, in what order, and that they count all or none.</summary>
[TestFixture]
internal sealed class RuleFilesTests
{
    private const UnixFileMode Everything = (UnixFileMode)0b111_111_111;

    private RuleFolder folder = null!;

    [SetUp]
    public void MakeFolder() => folder = new RuleFolder();

    [TearDown]
    public void RemoveFolder() => folder.Dispose();

    [Test]
    public void Load_SeveralFiles_MainOneFirstThenByTheirNamesBytes()
    {
        folder.Write("rules.d/b.conf", "block 0004:*");
        folder.Write("rules.d/a.conf", "block 0003:*\n");
        folder.Write("rules.d/10.conf", "# nothing\n\nblock 0002:*");
        folder.Write("rules.d/B.conf", "allow 0002:0002");
        folder.Write("rules.conf", "block 0001:*");

        var loaded = folder.Files.Load();

        Assert.That(loaded.Set.Rules.Select(r => r.Source), Is.EqualTo(new RuleSource[]
        {
            new(folder.At("rules.conf"), 1), new(folder.At("rules.d/10.conf"), 3), new(folder.At("rules.d/B.conf"), 1),
            new(folder.At("rules.d/a.conf"), 1), new(folder.At("rules.d/b.conf"), 1),
        }));
    }

    [TestCase("rules.d/.hidden.conf")]
    [TestCase("rules.d/50-lab.conf~")]
    [TestCase("rules.d/readme")]
    public void Load_FilesOfOtherNames_ArePassedOver(string path)
    {
        folder.Write(path, "allow");

        Assert.That(folder.Files.Load().Set.Rules, Is.Empty);
    }

    [Test]
    [NonParallelizable]
    public void Load_TimeZoneChangedSince_IsTheNewOne()
    {
        var before = Environment.GetEnvironmentVariable("TZ");
        try
        {
            Assert.That(new[] { 3, -7 }.Select(OffsetOf), Is.EqualTo(new[] { 3, -7 }));
        }
        finally
        {
            Environment.SetEnvironmentVariable("TZ", before);
            TimeZoneInfo.ClearCachedData();
        }

        int OffsetOf(int hours)
        {
            File.WriteAllBytes(folder.At("zone"), ZoneAlwaysAt(hours));
            Environment.SetEnvironmentVariable("TZ", folder.At("zone"));
            return folder.Files.Load().Zone.BaseUtcOffset.Hours;
        }
    }

    [Test]
    public void Load_NothingThere_AllowsNothingAndSaysSo()
    {
        Directory.Delete(folder.Options.Folder);

        var loaded = folder.Files.Load();
        folder.Files.Report(loaded);

        Assert.That(loaded.Set.Rules, Is.Empty);
        Assert.That(folder.Logged, Has.Some.Contains("There is no rule"));
    }

    [Test]
    public void Load_OneFileOfTwoNotInOrder_RefusesBothAndSaysWhere()
    {
        folder.Write("rules.conf", "allow\n");
        folder.Write("rules.d/50.conf", "# fine\nallow with-interfaces 08:*:*\n");

        Assert.That(Problems().Single(), Does.StartWith(folder.At("rules.d/50.conf") + ":2:7"));
    }

    [Test]
    public void Load_TwoFilesNotInOrder_NamesBoth()
    {
        folder.Write("rules.conf", "permit\n");
        folder.Write("rules.d/50.conf", "deny\n");

        Assert.That(Problems(), Has.Count.EqualTo(2));
    }

    [Test]
    public void Load_FileThatEverybodyMayWrite_IsRefused()
    {
        folder.Write("rules.conf", "allow\n");
        File.SetUnixFileMode(folder.At("rules.conf"), UnixFileMode.UserRead | UnixFileMode.OtherWrite);

        Assert.That(Problems().Single(), Does.StartWith(folder.At("rules.conf")).And.Contains("chmod o-w"));
    }

    [TestCase("rules.d", Description = "anybody could add a file")]
    [TestCase(".", Description = "anybody could put another rules.conf or rules.d there")]
    public void Load_FolderThatEverybodyMayWrite_IsRefused(string path)
    {
        folder.Write("rules.conf", "allow\n");
        File.SetUnixFileMode(folder.At(path), Everything | UnixFileMode.StickyBit);

        Assert.That(Problems().Single(), Does.StartWith(Path.GetFullPath(folder.At(path)).TrimEnd('/')).And.Contains("chmod o-w"));
    }

    [TestCase(UnixFileMode.None, ExpectedResult = false)]
    [TestCase(UnixFileMode.StickyBit, ExpectedResult = true, Description = "as /tmp: nobody may replace what is there")]
    public bool Load_FolderAboveThatEverybodyMayWrite_IsRefusedWithoutStickyBit(UnixFileMode sticky)
    {
        var options = new RulesOptions { File = folder.At("a/b/rules.conf"), Folder = Directory.CreateDirectory(folder.At("a/b/rules.d")).FullName };
        File.SetUnixFileMode(folder.At("a"), Everything | sticky);
        try
        {
            return new RuleFiles(options, folder.Loggers.CreateLogger<RuleFiles>()).Load().Set.Rules.IsEmpty;
        }
        catch (RulesException e)
        {
            Assert.That(e.Problems, Has.All.StartWith(folder.At("a") + ":"));
            return false;
        }
    }

    [Test]
    public void Load_LinkIntoAFolderThatEverybodyMayWrite_IsRefused()
    {
        Directory.CreateDirectory(folder.At("open"));
        folder.Write("open/rules", "allow\n");
        File.SetUnixFileMode(folder.At("open"), Everything);
        File.CreateSymbolicLink(folder.At("rules.d/50.conf"), folder.At("open/rules"));

        Assert.That(Problems().Single(), Does.StartWith(folder.At("rules.d/50.conf")).And.Contains(folder.At("open")));
    }

    [Test]
    public void Load_LinkToAFile_IsJudgedByWhatItLeadsTo()
    {
        folder.Write("elsewhere", "allow\n");
        File.CreateSymbolicLink(folder.At("rules.conf"), folder.At("elsewhere"));
        Assert.That(folder.Files.Load().Set.Rules, Has.Length.EqualTo(1));

        File.SetUnixFileMode(folder.At("elsewhere"), UnixFileMode.UserRead | UnixFileMode.OtherWrite);

        Assert.That(Problems().Single(), Does.Contain("chmod o-w"));
    }

    [Test]
    public void Load_BytesThatAreNotUtf8_AreTakenAsPolicyCheckTakesThem()
    {
        byte[] text = [.. "allow name \""u8, 0xff, .. "\"\n"u8];
        folder.Write("rules.conf", text);

        Assert.That(RuleParser.TryParse("rules.conf", RuleText.Decode(text), out var checkedRules, out _), Is.True);
        Assert.That(folder.Files.Load().Set.Rules, Is.EqualTo(checkedRules!.Rules));
    }

    [Test]
    public void Load_LinkThatLeadsNowhere_IsRefused()
    {
        File.CreateSymbolicLink(folder.At("rules.d/50.conf"), folder.At("nothing"));

        Assert.That(Problems().Single(), Does.StartWith(folder.At("rules.d/50.conf")));
    }

    [Test]
    public void Load_UserAndGroupThatTheHostDoesNotKnow_AreWarnedOf()
    {
        folder.Write("rules.conf", "allow owner { \"root\" \"no-such-user-here\" \"4711\" } group \"no-such-group-here\"\n");

        var warnings = folder.Files.Load().Warnings;

        Assert.That(warnings, Is.EqualTo(new[]
        {
            folder.At("rules.conf") + ":1: there is no user no-such-user-here: nobody may claim by this name",
            folder.At("rules.conf") + ":1: there is no group no-such-group-here: nobody may claim by this name",
        }));
    }

    [Test]
    public void Load_AsteriskInAText_IsWarnedOf()
    {
        folder.Write("rules.conf", "allow serial \"4C53*\"\n");

        Assert.That(folder.Files.Load().Warnings.Single(), Does.StartWith(folder.At("rules.conf") + ":1:14: * stands for itself"));
    }

    [Test]
    public void Load_KnownNames_AreTheirNumbers()
    {
        folder.Write("rules.conf", "allow owner \"root\" group \"root\"\n");

        var loaded = folder.Files.Load();

        Assert.That((loaded.Users["root"], loaded.Groups["root"]), Is.EqualTo((0u, 0u)));
    }

    private IReadOnlyList<string> Problems() => Assert.Throws<RulesException>(() => folder.Files.Load())!.Problems;

    /// <summary>A file of tzfile(5), version 1, with one type of local time and no transition.</summary>
    private static byte[] ZoneAlwaysAt(int hours)
    {
        byte[] header = [.. "TZif"u8, .. new byte[16], .. Number(0), .. Number(0), .. Number(0), .. Number(0), .. Number(1), .. Number(4)];
        return [.. header, .. Number(hours * 3600), 0, 0, .. "LAB\0"u8];

        static byte[] Number(int value)
        {
            var bytes = new byte[4];
            BinaryPrimitives.WriteInt32BigEndian(bytes, value);
            return bytes;
        }
    }
}
