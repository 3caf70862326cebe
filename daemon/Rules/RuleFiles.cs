// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using UsbHostd.Daemon.Linux;
using UsbHostd.Policy.Rules;
using UsbHostd.Policy.Rules.Matching;

namespace UsbHostd.Daemon.Rules;

/// <summary>Reads all rule files: taken as a whole, or refused as a whole.</summary>
internal sealed partial class RuleFiles(RulesOptions options, ILogger<RuleFiles> log)
{
    private const long LargestFile = 64L << 20;

    /// <exception cref="RulesException">With every file that is not in order; nothing of the others counts then either.</exception>
    public LoadedRules Load()
    {
        var rules = ImmutableArray.CreateBuilder<Rule>();
        var files = ImmutableArray.CreateBuilder<RuleFileInfo>();
        var problems = new List<string>();
        var warnings = ImmutableArray.CreateBuilder<string>();
        foreach (var path in Paths(problems).Where(path => IsInSafePlace(path, problems)))
        {
            try
            {
                if (Read(path) is not { } text)
                {
                    continue;
                }

                if (!RuleParser.TryParse(path, text, out var parsed, out var error))
                {
                    problems.Add(error.Message);
                    continue;
                }

                rules.AddRange(parsed.Rules);
                files.Add(new RuleFileInfo(path, parsed.Rules.Length));
                warnings.AddRange(parsed.Warnings.Select(w => w.ToString()));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                problems.Add($"{path}: can't be read: {e.Message} Expected a text file that the daemon's user may read.");
            }
        }

        if (problems.Count > 0)
        {
            throw new RulesException(problems);
        }

        var all = rules.DrainToImmutable();
        return new LoadedRules
        {
            Set = new RuleSet(all),
            Users = AccountNames.Users(all),
            Groups = AccountNames.Groups(all),
            Zone = LocalZone(),
            Files = files.DrainToImmutable(),
            Warnings = [.. warnings, .. Unknown(all)],
        };

        IEnumerable<string> Unknown(ImmutableArray<Rule> read)
        {
            var (users, groups) = (AccountNames.Users(read), AccountNames.Groups(read));
            foreach (var rule in read)
            {
                foreach (var owner in rule.Owners.Where(o => !users.ContainsKey(o) && !uint.TryParse(o, out _)))
                {
                    yield return $"{rule.Source}: there is no user {owner}: nobody may claim by this name";
                }

                foreach (var group in rule.Groups.Where(g => !groups.ContainsKey(g) && !uint.TryParse(g, out _)))
                {
                    yield return $"{rule.Source}: there is no group {group}: nobody may claim by this name";
                }
            }
        }
    }

    /// <summary>.NET keeps the zone that it found first; an administrator may have set another one since.</summary>
    private static TimeZoneInfo LocalZone()
    {
        TimeZoneInfo.ClearCachedData();
        return TimeZoneInfo.Local;
    }

    /// <summary>Tells the log what the rules are, once they are in force.</summary>
    /// <param name="recorded">Whether the audit has them; where it has not, they give nothing new yet.</param>
    public void Report(LoadedRules loaded, bool recorded = true)
    {
        if (recorded)
        {
            Loaded(log, loaded.Set.Rules.Length, loaded.Files.Length);
        }
        else
        {
            LoadedUnrecorded(log, loaded.Set.Rules.Length, loaded.Files.Length);
        }

        foreach (var warning in loaded.Warnings)
        {
            Warned(log, warning);
        }

        if (loaded.Set.Rules.IsEmpty)
        {
            NothingAllowed(log, options.File);
        }
    }

    private List<string> Paths(List<string> problems)
    {
        List<string> paths = [options.File];
        try
        {
            foreach (var folder in new[] { Path.GetDirectoryName(options.File)!, options.Folder })
            {
                if (RulePlaces.WhyNotFolder(folder) is { } why && !problems.Contains(why))
                {
                    problems.Add(why);
                }
            }

            paths.AddRange(Directory.EnumerateFiles(options.Folder, "*.conf")
                .Where(p => !Path.GetFileName(p).StartsWith('.')).Order(StringComparer.Ordinal));
        }
        catch (DirectoryNotFoundException)
        {
            // The one file may be all there is.
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            problems.Add($"{options.Folder}: can't be listed: {e.Message} Expected a folder that the daemon's user may read.");
        }

        return paths;
    }

    /// <summary>A link may lead to a folder where everybody may replace the file.</summary>
    private static bool IsInSafePlace(string path, List<string> problems)
    {
        try
        {
            if (RulePlaces.WhyNotTargetOf(path) is not { } why)
            {
                return true;
            }

            problems.Add($"{path}: it is a link. {why}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            problems.Add($"{path}: can't be read: {e.Message} Expected a text file that the daemon's user may read.");
        }

        return false;
    }

    /// <summary>Null where the main file does not exist.</summary>
    private string? Read(string path)
    {
        var info = new FileInfo(path);
        if (!info.Exists && path == options.File)
        {
            return null;
        }

        if (info.Exists && info.Length > LargestFile)
        {
            throw new IOException($"it has {info.Length} bytes, more than {LargestFile}.");
        }

        RulePlaces.RequireFile(path);
        return RuleText.Decode(File.ReadAllBytes(path));
    }

    [LoggerMessage(1140, LogLevel.Information, "{Rules} rules from {Files} files are in force")]
    private static partial void Loaded(ILogger logger, int rules, int files);

    [LoggerMessage(1147, LogLevel.Warning, "{Rules} rules from {Files} files take rights away from now on. They give none that the rules before them did not, as nothing can be written; once it can, they do")]
    private static partial void LoadedUnrecorded(ILogger logger, int rules, int files);

    [LoggerMessage(1141, LogLevel.Warning, "{Warning}")]
    private static partial void Warned(ILogger logger, string warning);

    [LoggerMessage(1142, LogLevel.Warning, "There is no rule: no guest may have any device. Write rules into {File}; usbhostctl policy-generate makes a first set")]
    private static partial void NothingAllowed(ILogger logger, string file);
}
