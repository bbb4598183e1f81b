using System.Text.Json;

namespace LlmAspire.AppHost.Tests;

/// <summary>The manifest, which azd and others read: what is deployed, from what, and with which secrets.</summary>
public sealed class ManifestTests : IDisposable
{
    private static readonly string[] Secrets = ["sk-openai-in-clear", "sk-anthropic-in-clear", "client-secret-in-clear"];

    private readonly StackFolder _folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task the_manifest_has_every_part_and_shows_only_the_front_end_to_the_world()
    {
        var (resources, _) = await PublishAsync();

        Assert.Equal(
            ["postgres container.v0", "llm value.v0", "litellm container.v1", "usage-worker project.v0", "api project.v0", "web project.v0"],
            resources.Select(resource => $"{resource.Key} {Text(resource.Value, "type")}").Where(resource => !resource.EndsWith(" parameter.v0", StringComparison.Ordinal)));
        Assert.Equal(["web"], resources.Where(resource => IsExternal(resource.Value)).Select(resource => resource.Key));
    }

    [Fact]
    public async Task images_and_volumes_are_those_that_keep_data_over_an_update()
    {
        var (resources, _) = await PublishAsync();

        Assert.Equal("docker.io/library/postgres:18.3", Text(resources["postgres"], "image"));
        Assert.Equal("/var/lib/postgresql", Text(resources["postgres"].GetProperty("volumes")[0], "target"));
        // The configuration is baked in: bind mounts do not survive a cloud deployment.
        Assert.Equal(
            Path.Combine(Solution.Folder, "litellm", "Dockerfile"),
            Path.GetFullPath(Text(resources["litellm"].GetProperty("build"), "dockerfile"), _folder.Path));
        Assert.False(resources["litellm"].TryGetProperty("bindMounts", out _));
        Assert.Equal("/home/app/spool", Text(resources["api"].GetProperty("env"), "Spool__Directory"));
    }

    [Fact]
    public async Task every_secret_is_a_parameter_that_the_deployment_asks_for_or_makes()
    {
        var (resources, text) = await PublishAsync(
            $"OPENAI_API_KEY={Secrets[0]}", $"ANTHROPIC_API_KEY={Secrets[1]}", "Authentication:Authority=https://login.example/", $"Authentication:ClientSecret={Secrets[2]}");

        Assert.All(Secrets, secret => Assert.DoesNotContain(secret, text, StringComparison.Ordinal));
        Assert.Equal(
            ["anthropic-api-key", "authentication-client-secret", "litellm-master-key", "openai-api-key", "operator-password", "postgres-password"],
            resources.Where(resource => Text(resource.Value, "type") == "parameter.v0" && IsSecret(resource.Value)).Select(resource => resource.Key).Order());
        Assert.Equal("{operator-email.value}", Text(resources["api"].GetProperty("env"), "Identity__Operator__Email"));
    }

    [Fact]
    public async Task a_deployment_puts_no_prompt_into_spans_and_reports_to_no_dashboard_of_the_developer()
    {
        var (_, text) = await PublishAsync();

        Assert.DoesNotContain("CAPTURE_MESSAGE_CONTENT", text, StringComparison.Ordinal);
        Assert.DoesNotContain("OTEL_EXPORTER_OTLP_ENDPOINT", text, StringComparison.Ordinal);
        Assert.DoesNotContain("localhost", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task with_a_gateway_of_ones_own_none_is_deployed()
    {
        var (resources, _) = await PublishAsync("LLM_BASE_URL=https://gateway.example", "LLM_API_KEY=sk-test");

        Assert.DoesNotContain("litellm", resources.Keys);
        Assert.Equal("{llm-base-url.value}", Text(resources["api"].GetProperty("env"), "LLM_BASE_URL"));
    }

    private async Task<(Dictionary<string, JsonElement> Resources, string Text)> PublishAsync(params string[] settings)
    {
        var file = Path.Combine(_folder.Path, "manifest.json");
        await using var appHost = AppHostProcess.Start([], ["--operation", "publish", "--publisher", "manifest", "--output-path", file, .. settings]);
        await appHost.WaitForExitAsync(Cancellation);
        Assert.True(appHost.ExitCode == 0, appHost.Output);
        var text = await File.ReadAllTextAsync(file, Cancellation);
        using var manifest = JsonDocument.Parse(text);

        return (manifest.RootElement.GetProperty("resources").EnumerateObject().ToDictionary(resource => resource.Name, resource => resource.Value.Clone()), text);
    }

    private static string Text(JsonElement element, string name) => element.GetProperty(name).GetString()!;

    private static bool IsExternal(JsonElement resource) =>
        resource.TryGetProperty("bindings", out var bindings)
        && bindings.EnumerateObject().Any(binding => binding.Value.TryGetProperty("external", out var external) && external.GetBoolean());

    private static bool IsSecret(JsonElement parameter) =>
        parameter.GetProperty("inputs").EnumerateObject().Any(input => input.Value.TryGetProperty("secret", out var secret) && secret.GetBoolean());
}
