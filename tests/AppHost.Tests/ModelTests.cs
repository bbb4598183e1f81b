using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using LlmAspire.AppHost.LiteLlm;
using LlmAspire.AppHost.Running;
using LlmAspire.AppHost.Services;

namespace LlmAspire.AppHost.Tests;

/// <summary>What the AppHost describes; nothing is started.</summary>
public sealed class ModelTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task the_embedded_stack_has_every_resource_and_no_container()
    {
        await using var builder = await CreateAsync("Stack:Mode=embedded", "Stack:Gateway=demo");

        string[] expected = ["postgres", "llm", "litellm", "api", "usage-worker", "web"];
        Assert.Superset(expected.ToHashSet(), builder.Resources.Select(resource => resource.Name).ToHashSet());
        Assert.Empty(builder.Resources.OfType<ContainerResource>());
    }

    [Fact]
    public async Task in_containers_the_gateway_is_litellm_at_its_pinned_image()
    {
        await using var builder = await CreateAsync("Stack:Mode=containers", "Stack:Gateway=litellm");

        Assert.Equal(["litellm", "postgres"], builder.Resources.OfType<ContainerResource>().Select(resource => resource.Name).Order());
        Assert.True(builder.Resources.Single(resource => resource.Name == "litellm").TryGetContainerImageName(out var image));
        Assert.Equal($"ghcr.io/berriai/litellm-non_root:{LiteLlmContainerImageTags.Tag}", image);
    }

    [Fact]
    public async Task the_server_in_a_container_keeps_to_one_major_version_and_its_data_on_a_volume()
    {
        await using var builder = await CreateAsync("Stack:Mode=containers", "Stack:Gateway=demo");
        var postgres = builder.Resources.Single(resource => resource.Name == "postgres");

        Assert.True(postgres.TryGetContainerImageName(out var image));
        Assert.EndsWith("library/postgres:18.3", image, StringComparison.Ordinal);
        // Images from 18 on keep the data of each major version in a folder of its own below this one.
        Assert.Equal("/var/lib/postgresql", Assert.Single(postgres.Annotations.OfType<ContainerMountAnnotation>()).Target);
    }

    [Theory]
    [InlineData("Stack:GatewayTelemetry=false", new[] { "LITELLM_MASTER_KEY", "OPENAI_API_KEY", "OPENAI_API_KEY_2", "OTEL_SDK_DISABLED" })]
    [InlineData("Stack:GatewayTelemetry=true", new[] { "LITELLM_MASTER_KEY", "OPENAI_API_KEY", "OPENAI_API_KEY_2", "OTEL_EXPORTER", "OTEL_EXPORTER_OTLP_ENDPOINT" })]
    public async Task the_litellm_container_refers_to_the_dashboard_only_when_it_is_asked_to(string setting, string[] expected)
    {
        await using var builder = await CreateAsync("Stack:Mode=containers", "Stack:Gateway=litellm", "OPENAI_API_KEY=sk-test", setting);
        var environment = await EnvironmentAsync(builder, "litellm");

        string[] exporting = ["OTEL_EXPORTER", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_SDK_DISABLED"];
        Assert.Equal(expected, environment.Keys.Where(name => !name.StartsWith("OTEL_", StringComparison.Ordinal) || exporting.Contains(name)).Order());
        Assert.True(environment.GetValueOrDefault("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "false") is "false");
    }

    [Theory]
    [InlineData("embedded", "demo")]
    [InlineData("containers", "demo")]
    [InlineData("containers", "litellm")]
    public async Task each_service_has_in_its_environment_what_it_needs_and_no_more(string mode, string gateway)
    {
        await using var builder = await CreateAsync($"Stack:Mode={mode}", $"Stack:Gateway={gateway}", "OPENAI_API_KEY=sk-test", "ANTHROPIC_API_KEY=sk-ant-test");

        Assert.Equal(["ConnectionStrings__llm", "LLM_API_KEY", "LLM_BASE_URL"], await OwnNamesAsync(builder, "usage-worker"));
        Assert.Equal(["ConnectionStrings__llm", "LLM_API_KEY", "LLM_BASE_URL", "Spool__Directory", "Usage__ShutdownGrace"], await OwnNamesAsync(builder, "api"));
        Assert.Equal(["Api__PublicUrl", "ConnectionStrings__llm", "services__api__http__0"], await OwnNamesAsync(builder, "web"));
        Assert.Equal(
            gateway == "litellm" ? ["ANTHROPIC_API_KEY", "LITELLM_MASTER_KEY", "OPENAI_API_KEY", "OPENAI_API_KEY_2"] : ["Gateway__ConfigPath", "Gateway__ServedPath", "LITELLM_MASTER_KEY"],
            await OwnNamesAsync(builder, "litellm"));
    }

    [Theory]
    [InlineData("embedded", "postgres", 5)] // npm may have to fetch the server
    [InlineData("containers", "litellm", 2)] // its port stays closed for tens of seconds
    public async Task what_starts_slowly_is_not_given_up_like_a_service(string mode, string resource, int minutes)
    {
        await using var builder = await CreateAsync($"Stack:Mode={mode}", "Stack:Gateway=litellm");

        var patience = builder.Resources.Single(one => one.Name == resource).Annotations.OfType<StartPatienceAnnotation>();
        Assert.Equal(TimeSpan.FromMinutes(minutes), Assert.Single(patience).Patience);
    }

    [Fact]
    public async Task the_stack_stops_from_what_people_see_to_what_everything_needs()
    {
        await using var builder = await CreateAsync("Stack:Mode=embedded", "Stack:Gateway=demo");

        Assert.Equal(
            ["web", "api", "usage-worker", "litellm", "postgres"],
            new DistributedApplicationModel(builder.Resources).FindStoppableResources().Reverse().Select(resource => resource.Name));
    }

    [Fact]
    public async Task the_dashboard_shows_each_resource_with_a_picture_and_where_it_belongs()
    {
        await using var builder = await CreateAsync("Stack:Mode=embedded", "Stack:Gateway=demo");
        var shown = builder.Resources.Where(resource => resource is ProjectResource or ConnectionStringResource).ToList();

        Assert.All(shown, resource => Assert.Single(resource.Annotations.OfType<ResourceIconAnnotation>()));
        var database = builder.Resources.Single(resource => resource.Name == "llm");
        Assert.Contains(database.Annotations.OfType<ResourceRelationshipAnnotation>(), relation => (relation.Type, relation.Resource.Name) == ("Parent", "postgres"));
        Assert.All(builder.Resources.OfType<ParameterResource>(), parameter => Assert.NotEmpty(parameter.Description ?? ""));
    }

    [Fact]
    public async Task with_LLM_BASE_URL_no_gateway_is_started()
    {
        await using var builder = await CreateAsync("Stack:Mode=embedded", "LLM_BASE_URL=http://gateway.example", "LLM_API_KEY=sk-test");

        Assert.DoesNotContain(builder.Resources, resource => resource.Name == "litellm");
        Assert.Contains(builder.Resources, resource => resource.Name == "llm-api-key");
    }

    [Fact]
    public async Task only_provider_keys_that_are_set_become_parameters()
    {
        await using var builder = await CreateAsync("Stack:Mode=containers", "Stack:Gateway=litellm", "ANTHROPIC_API_KEY=sk-ant-test");

        var parameters = builder.Resources.OfType<ParameterResource>().Select(parameter => parameter.Name).ToList();
        Assert.Contains("anthropic-api-key", parameters);
        Assert.DoesNotContain("mistral-api-key", parameters);
        Assert.True(builder.Resources.OfType<ParameterResource>().Single(parameter => parameter.Name == "anthropic-api-key").Secret);
    }

    [Fact]
    public async Task api_and_web_are_told_of_the_provider_and_only_web_has_its_secret()
    {
        await using var builder = await CreateAsync(
            "Stack:Mode=embedded", "Stack:Gateway=demo", "Authentication:Authority=https://login.example/", "Authentication:Claims:Role=groups",
            "Authentication:ClientSecret=s3cret");

        var (api, web) = (await EnvironmentAsync(builder, "api"), await EnvironmentAsync(builder, "web"));
        Assert.Equal(("https://login.example/", "groups"), (api["Authentication__Authority"], api["Authentication__Claims__Role"]));
        Assert.Equal("https://login.example/", web["Authentication__Authority"]);
        Assert.DoesNotContain("Authentication__ClientSecret", api.Keys);
        Assert.True(Assert.IsType<ParameterResource>(web["Authentication__ClientSecret"]).Secret);
    }

    [Fact]
    public async Task web_is_told_where_programs_reach_the_api()
    {
        await using var builder = await CreateAsync("Stack:Mode=embedded", "Stack:Gateway=demo");
        await using var published = await CreateAsync("Stack:Mode=embedded", "Stack:Gateway=demo", "Api:PublicUrl=https://llm.example/");

        Assert.IsType<ReferenceExpression>((await EnvironmentAsync(builder, "web"))["Api__PublicUrl"]);
        Assert.Equal("https://llm.example/", (await EnvironmentAsync(published, "web"))["Api__PublicUrl"]);
    }

    [Theory]
    [InlineData("api", "llm", "litellm")]
    [InlineData("usage-worker", "llm")]
    [InlineData("web", "api")]
    public async Task a_service_waits_for_what_it_needs(string service, params string[] dependencies)
    {
        await using var builder = await CreateAsync("Stack:Mode=embedded", "Stack:Gateway=demo");

        var waits = builder.Resources.Single(resource => resource.Name == service).Annotations.OfType<WaitAnnotation>().Select(wait => wait.Resource.Name);
        Assert.Superset(dependencies.ToHashSet(), waits.ToHashSet());
    }

    [Fact]
    public async Task the_spool_of_the_api_is_with_the_data_of_the_stack()
    {
        var data = Path.Combine(Path.GetTempPath(), "llmaspire-model-test");
        await using var builder = await CreateAsync("Stack:Mode=embedded", "Stack:Gateway=demo", $"Stack:DataDirectory={data}");

        Assert.Equal(Path.Combine(data, "spool"), (await EnvironmentAsync(builder, "api"))["Spool__Directory"]);
    }

    [Fact]
    public async Task the_worker_knows_the_gateway_and_does_not_wait_for_it()
    {
        await using var builder = await CreateAsync("Stack:Mode=embedded", "Stack:Gateway=demo");
        var worker = builder.Resources.Single(resource => resource.Name == "usage-worker");

        Assert.Superset(new HashSet<string> { "LLM_BASE_URL", "LLM_API_KEY" }, (await EnvironmentAsync(builder, "usage-worker")).Keys.ToHashSet());
        Assert.DoesNotContain(worker.Annotations.OfType<WaitAnnotation>(), wait => wait.Resource.Name == "litellm");
    }

    [Fact]
    public void the_dockerfile_names_the_pinned_image()
    {
        var from = File.ReadLines(Path.Combine(Solution.Folder, "litellm", "Dockerfile")).Single(line => line.StartsWith("FROM ", StringComparison.Ordinal));

        Assert.Equal($"FROM {LiteLlmContainerImageTags.Registry}/{LiteLlmContainerImageTags.Image}:{LiteLlmContainerImageTags.Tag}", from);
    }

    /// <summary>The variables of a service but for those that Aspire gives every .NET project: its ports, its telemetry, how its console looks.</summary>
    private static async Task<List<string>> OwnNamesAsync(IDistributedApplicationTestingBuilder builder, string service)
    {
        string[] common = ["ASPNETCORE_", "DOTNET_", "HTTP_PORTS", "LOGGING__CONSOLE__", "OTEL_"];
        return [.. (await EnvironmentAsync(builder, service)).Keys
            .Where(name => !common.Any(prefix => name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase)))
            .Order(StringComparer.Ordinal)];
    }

    private static async Task<Dictionary<string, object>> EnvironmentAsync(IDistributedApplicationTestingBuilder builder, string service)
    {
        var started = builder.Resources.Single(resource => resource.Name == service);
        var context = new EnvironmentCallbackContext(builder.ExecutionContext, started, cancellationToken: Cancellation);
        foreach (var annotation in started.Annotations.OfType<EnvironmentCallbackAnnotation>())
        {
            await annotation.Callback(context);
        }

        return context.EnvironmentVariables;
    }

    private static Task<IDistributedApplicationTestingBuilder> CreateAsync(params string[] args) =>
        DistributedApplicationTestingBuilder.CreateAsync<Projects.AppHost>(
            [.. args, "Parameters:postgres-password=test", "Parameters:litellm-master-key=test"],
            Cancellation);
}
