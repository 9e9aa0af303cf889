using System.Globalization;
using System.Text;
using Tmds.Linux;

namespace Monolith.Agent.Native.Safe;

/// <summary>A user that processes run as.</summary>
internal sealed record ProcessUser(string Name, uint Uid, uint Gid)
{
    public static bool IsRoot => LibC.geteuid() == 0;

    /// <summary>The first of the names that this machine knows; null when it knows none.</summary>
    public static ProcessUser? First(params ReadOnlySpan<string> names)
    {
        var users = Parse(File.ReadAllText("/etc/passwd"));
        foreach (var name in names)
            if (users.Find(u => u.Name == name) is { } user) return user;
        return null;
    }

    /// <summary>passwd(5). Lines that are not understood are passed over. Pure.</summary>
    public static List<ProcessUser> Parse(string passwd)
    {
        var users = new List<ProcessUser>();
        foreach (var line in passwd.Split('\n'))
        {
            var fields = line.Split(':');
            if (fields.Length >= 4
                && uint.TryParse(fields[2], NumberStyles.None, CultureInfo.InvariantCulture, out var uid)
                && uint.TryParse(fields[3], NumberStyles.None, CultureInfo.InvariantCulture, out var gid))
                users.Add(new ProcessUser(fields[0], uid, gid));
        }
        return users;
    }

    /// <summary>Gives a file to this user. Only root can; another caller already owns what it made.</summary>
    public void Own(string path) => Change(path, Uid);

    /// <summary>Keeps a file ours and gives it this user's group.</summary>
    public void Admit(string path) => Change(path, LibC.geteuid());

    private unsafe void Change(string path, uint uid)
    {
        if (!IsRoot) return;
        fixed (byte* name = Encoding.UTF8.GetBytes(path + '\0'))
            if (LibC.chown(name, uid, Gid) != 0) throw new ProcessException("chown", LibC.errno, path);
    }
}
