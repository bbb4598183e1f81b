using System.Net;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;
using LlmAspire.Api.Identity;
using LlmAspire.Api.Tests.Identity;
using LlmAspire.Usage;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace LlmAspire.Api.Tests.Http;

/// <summary>What comes from outside as a value of an enumeration is a name. A number is refused: one that no name has would be stored, and pass every check by name.</summary>
public sealed class EnumerationTests(AccountsFixture fixture) : IClassFixture<AccountsFixture>
{
    public static TheoryData<Type> Enumerations { get; } =
        new(new[] { typeof(Caller).Assembly, typeof(UsageEvent).Assembly }.SelectMany(assembly => assembly.GetTypes())
            .Where(type => type.IsEnum && type.GetCustomAttribute<JsonConverterAttribute>() is not null));

    [Theory]
    [MemberData(nameof(Enumerations))]
    public void each_reads_its_names_and_no_number(Type type)
    {
        foreach (var value in Enum.GetValues(type))
        {
            Assert.Equal(value, JsonSerializer.Deserialize(JsonSerializer.Serialize(value, type), type));
        }

        Assert.All(
            ["0", "1", "99", "\"0\"", "\"1\"", "\"99\"", "\" 1\""],
            text => Assert.Throws<JsonException>(() => JsonSerializer.Deserialize(text, type)));
    }

    [Theory]
    [InlineData("1")]
    [InlineData("7")]
    [InlineData("\"1\"")]
    public async Task a_role_that_is_a_number_is_refused_and_nothing_changes(string role)
    {
        var admin = await fixture.RegisterAsync();
        var member = await fixture.RegisterAsync(await admin.InviteAsync());

        using var put = await admin.SendAsync(HttpMethod.Put, $"/organisation/members/{member.Id}/role", JsonElement.Parse($"{{\"role\":{role}}}"));
        using var invited = await admin.SendAsync(HttpMethod.Post, "/organisation/invitations", JsonElement.Parse($"{{\"role\":{role}}}"));

        Assert.Equal((HttpStatusCode.BadRequest, HttpStatusCode.BadRequest), (put.StatusCode, invited.StatusCode));
        using var members = await admin.GetAsync("/organisation/members");
        var roles = (await members.ReadAsync(HttpStatusCode.OK)).EnumerateArray().Select(one => one.GetProperty("role").GetString());
        Assert.Equal(["admin", "member"], roles.Order(StringComparer.Ordinal));
    }

    /// <summary>The framework would read numbers there.</summary>
    [Fact]
    public void no_endpoint_takes_an_enumeration_from_its_address()
    {
        var parameters = fixture.Api.Services.GetServices<EndpointDataSource>().SelectMany(source => source.Endpoints)
            .SelectMany(endpoint => endpoint.Metadata.GetMetadata<MethodInfo>()?.GetParameters() ?? [])
            .SelectMany(parameter => parameter.GetCustomAttribute<AsParametersAttribute>() is null
                ? [(parameter.Name, parameter.ParameterType)]
                : parameter.ParameterType.GetProperties().Select(property => ((string?)property.Name, property.PropertyType)))
            .ToList();

        Assert.NotEmpty(parameters);
        Assert.DoesNotContain(parameters, one => (Nullable.GetUnderlyingType(one.Item2) ?? one.Item2.GetElementType() ?? one.Item2).IsEnum);
    }
}
