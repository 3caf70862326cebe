// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Daemon.Errors;

namespace UsbHostd.Daemon.Configuration;

/// <summary>Reads the configuration file, and writes a configuration as such a file.</summary>
internal static class ConfigurationFile
{
    public const string DefaultPath = "/etc/usbhostd/usbhostd.conf";

    private const int LargestFile = 1 << 20;

    /// <param name="path">As given with <c>--config</c>, which must exist; null for <see cref="DefaultPath"/>, without which the defaults hold.</param>
    /// <exception cref="ConfigurationException">With every problem of the file, each as <c>FILE:LINE: found ..., expected ...</c>.</exception>
    public static DaemonConfiguration Load(string? path)
    {
        var file = path ?? DefaultPath;
        try
        {
            if (new FileInfo(file) is { Exists: true, Length: > LargestFile })
            {
                throw new ConfigurationException($"{file}: found more than {LargestFile} bytes, expected a configuration file");
            }

            return Parse(file, File.ReadAllBytes(file));
        }
        catch (Exception e) when (path is null && e is FileNotFoundException or DirectoryNotFoundException)
        {
            return new DaemonConfiguration();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ConfigurationException($"{file}: can't be read: {e.Message} Expected a file that the daemon's user may read.");
        }
    }

    public static DaemonConfiguration Parse(string file, ReadOnlySpan<byte> bytes)
    {
        var ini = IniFile.Parse(bytes);
        var problems = ini.Problems.ToList();
        problems.AddRange(ini.Sections
            .Where(s => !ConfigurationKeys.Sections.Contains(s.Name, StringComparer.Ordinal))
            .Select(s => (s.Line, $"found section [{s.Name}], {Names.Expected(s.Name, ConfigurationKeys.Sections, "[{0}]")}")));
        var configuration = new DaemonConfiguration();
        foreach (var entry in ini.Entries)
        {
            configuration = Apply(configuration, entry, problems);
        }

        if (configuration.Limits.LongestRetry < configuration.Limits.FirstRetry)
        {
            var line = ini.Entries.Last(e => e.Key is "longest-retry" or "first-retry").Line;
            problems.Add((line, $"found longest-retry {Duration.Show(configuration.Limits.LongestRetry)}, "
                + $"expected at least first-retry, which is {Duration.Show(configuration.Limits.FirstRetry)}"));
        }

        return problems.Count == 0
            ? configuration
            : throw new ConfigurationException([.. problems.OrderBy(p => p.Line).Select(p => $"{file}:{p.Line}: {p.Problem}")]);
    }

    /// <summary>Every key with its value, as a file that reads back to the same configuration.</summary>
    public static void Write(DaemonConfiguration configuration, TextWriter output)
    {
        var separator = "";
        foreach (var section in ConfigurationKeys.All.GroupBy(k => k.Section, StringComparer.Ordinal))
        {
            output.WriteLine($"{separator}[{section.Key}]");
            foreach (var key in section)
            {
                output.WriteLine($"{key.Name} = {key.Show(configuration)}".TrimEnd());
            }

            separator = "\n";
        }
    }

    /// <summary>
    /// For <c>--check-config</c>: prints the configuration in force to <paramref name="output"/>, or its problems to
    /// <paramref name="errors"/>, and gives the exit code.
    /// </summary>
    public static int Check(string? path, TextWriter output, TextWriter errors)
    {
        try
        {
            Write(Load(path), output);
            return ExitCode.Ok;
        }
        catch (ConfigurationException e)
        {
            errors.WriteLine(e.Message);
            return ExitCode.Configuration;
        }
    }

    private static DaemonConfiguration Apply(DaemonConfiguration configuration, IniEntry entry, List<(int Line, string Problem)> problems)
    {
        var inSection = ConfigurationKeys.All.Where(k => string.Equals(k.Section, entry.Section, StringComparison.Ordinal)).ToList();
        if (inSection.Count == 0)
        {
            return configuration;
        }

        var key = inSection.Find(k => string.Equals(k.Name, entry.Key, StringComparison.Ordinal));
        if (key is null)
        {
            var elsewhere = ConfigurationKeys.All.FirstOrDefault(k => string.Equals(k.Name, entry.Key, StringComparison.Ordinal));
            problems.Add((entry.Line, elsewhere is null
                ? $"found key {entry.Key}, {Names.Expected(entry.Key, inSection.Select(k => k.Name), "{0}")}"
                : $"found {entry.Key} in section [{entry.Section}], expected it in section [{elsewhere.Section}]"));
            return configuration;
        }

        if (key.Set(configuration, entry.Value) is { } changed)
        {
            return changed;
        }

        var found = entry.Value.Length == 0 ? "nothing" : $"\"{entry.Value}\"";
        problems.Add((entry.Line, $"found {found} for {entry.Key}, expected {key.Expected}"));
        return configuration;
    }
}
