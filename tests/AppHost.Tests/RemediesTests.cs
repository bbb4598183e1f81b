using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using LlmAspire.AppHost.Running;

namespace LlmAspire.AppHost.Tests;

/// <summary>What a person is told to do about a container: no engine runs where these tests do.</summary>
public sealed class RemediesTests
{
    [Fact]
    public void a_volume_of_another_password_names_the_setting_and_the_volume()
    {
        var remedy = Remedies.Find(Container(), "postgres-health: 28P01: password authentication failed for user \"postgres\"");

        Assert.Contains("Parameters:postgres-password", remedy, StringComparison.Ordinal);
        Assert.Contains("docker volume rm the-volume", remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void an_image_that_cannot_be_had_is_named_with_the_way_without_it()
    {
        var remedy = Remedies.Find(Container(), "");

        Assert.Contains("docker pull docker.io/library/postgres:18.3", remedy, StringComparison.Ordinal);
        Assert.Contains("Stack:Mode=embedded", remedy, StringComparison.Ordinal);
    }

    private static PostgresServerResource Container() => DistributedApplication.CreateBuilder(new DistributedApplicationOptions { DisableDashboard = true })
        .AddPostgres("postgres").WithImageTag("18.3").WithDataVolume("the-volume").Resource;
}
