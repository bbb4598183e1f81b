using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Configuration.UserSecrets;

namespace Aspire.Hosting.Orchestration;

/// <summary>Keeps generated values between runs, in the user secrets of the AppHost, where Aspire keeps them too.</summary>
/// <param name="appHost">The assembly of the AppHost.</param>
internal sealed class UserSecrets(Assembly? appHost)
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <summary>The value of the key; made and kept when there is none. An AppHost without user secrets keeps nothing.</summary>
    public string GetOrAdd(string key, Func<string> make)
    {
        if (appHost?.GetCustomAttribute<UserSecretsIdAttribute>()?.UserSecretsId is not { } id)
        {
            return make();
        }

        var path = PathHelper.GetSecretsPathFromSecretsId(id);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);

        // Two AppHosts may start at once: the lock file makes them agree on one value.
        using var guard = AcquireLock(path + ".lock");
        var secrets = File.Exists(path) ? JsonNode.Parse(File.ReadAllText(path))!.AsObject() : [];
        if (secrets[key]?.GetValue<string>() is { } existing)
        {
            return existing;
        }

        var value = make();
        secrets[key] = value;
        var temporary = path + ".new";
        File.WriteAllText(temporary, secrets.ToJsonString(Indented));
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(temporary, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }

        File.Move(temporary, path, overwrite: true);
        return value;
    }

    private static FileStream AcquireLock(string path)
    {
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException) when (attempt < 100)
            {
                Thread.Sleep(50);
            }
        }
    }
}
