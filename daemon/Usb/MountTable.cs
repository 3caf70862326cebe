// SPDX-License-Identifier: Apache-2.0
using System.Text;

namespace UsbHostd.Daemon.Usb;

/// <summary>One line of /proc/1/mountinfo (proc_pid_mountinfo(5)).</summary>
/// <param name="Number">major:minor of the file system; an anonymous 0:N for those that span devices (btrfs, zfs, FUSE).</param>
/// <param name="IsUsers">
/// A FUSE file system whose <c>user_id</c> is not root's (mount.fuse3(8)) and that has no block device of its own: its source is whatever
/// that user wrote in <c>fsname=</c>.
/// </param>
internal readonly record struct Mount(string Number, string Point, string Type, string Source, bool IsUsers = false);

/// <summary>Pure readers of /proc/1/mountinfo and /proc/swaps. A line that makes no sense is passed over.</summary>
internal static class MountTable
{
    /// <summary>Mounts of block devices; those without one (proc, tmpfs, overlay) are left out.</summary>
    public static IEnumerable<Mount> ParseMounts(string text)
    {
        foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            // 36 35 98:0 /root /mnt rw,noatime master:1 - ext3 /dev/sda1 rw
            var fields = line.Split(' ');
            var dash = Array.IndexOf(fields, "-", Math.Min(6, fields.Length));
            if (dash < 0 || dash + 2 >= fields.Length)
            {
                continue;
            }

            var mount = new Mount(fields[2], Unescape(fields[4]), fields[dash + 1], Unescape(fields[dash + 2]), IsUsers(fields, dash));
            if (!mount.Number.StartsWith("0:", StringComparison.Ordinal)
                || mount.Source.StartsWith("/dev/", StringComparison.Ordinal)
                || mount.Type is "zfs")
            {
                yield return mount;
            }
        }
    }

    private static bool IsUsers(string[] fields, int dash) =>
        fields[2].StartsWith("0:", StringComparison.Ordinal) && fields[dash + 1].StartsWith("fuse", StringComparison.Ordinal)
        && (dash + 3 >= fields.Length || !fields[dash + 3].Split(',').Contains("user_id=0", StringComparer.Ordinal));

    /// <summary>Files that are swapped to, among them device nodes.</summary>
    public static IEnumerable<string> ParseSwaps(string text) =>
        text.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Skip(1)
            .Select(line => Unescape(line[..Math.Max(0, line.IndexOfAny([' ', '\t']))]))
            .Where(file => file.Length > 0);

    /// <summary>
    /// Undoes the kernel's <c>\040</c> for blanks, tabs, line ends and backslashes (mangle_path in fs/seq_file.c). The digits are
    /// those of single bytes, but only ASCII is ever escaped.
    /// </summary>
    public static string Unescape(string text)
    {
        if (!text.Contains('\\', StringComparison.Ordinal))
        {
            return text;
        }

        var result = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '\\' && i + 3 < text.Length && TryOctal(text.AsSpan(i + 1, 3), out var code))
            {
                result.Append(code);
                i += 3;
            }
            else
            {
                result.Append(text[i]);
            }
        }

        return result.ToString();
    }

    private static bool TryOctal(ReadOnlySpan<char> digits, out char code)
    {
        code = '\0';
        if (digits.IndexOfAnyExceptInRange('0', '7') >= 0 || digits[0] > '1')
        {
            return false;
        }

        code = (char)(((digits[0] - '0') * 64) + ((digits[1] - '0') * 8) + (digits[2] - '0'));
        return code != '\0';
    }
}
