using System.Collections;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Reflection;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using LlmAspire.Api.Tests.Identity;
using LlmAspire.Api.Tests.OpenAi;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace LlmAspire.Api.Tests.Http;

/// <summary>An Api on a real port whose limits no theory reaches.</summary>
public sealed class PatientLimits : OpenAiFixture
{
    protected override IReadOnlyDictionary<string, string> Settings => new Dictionary<string, string>
    {
        ["Identity:AttemptsPerAddress"] = "100000",
        ["Plans:Pro:RequestsPerMinute"] = "100000",
        ["Plans:Enterprise:RequestsPerMinute"] = "100000",
    };
}

/// <summary>Text that is not Unicode, or that the database cannot store, in every place of every endpoint: it is refused with its place, and is never a failure of the server.</summary>
public partial class UnreadableTextTests(PatientLimits stack) : IClassFixture<PatientLimits>
{
    /// <summary>In a JSON string; Latin-1 stands for the bytes.</summary>
    private static readonly string[] InJson = ["a\\ud800", "caf\xe9", "a\\u0000"];

    private static readonly string[] InAddress = ["a%E9", "%ED%A0%80", "a%00", "%C0%80"];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<string> Endpoints => new(EndpointRules.All.Keys);

    [Theory]
    [MemberData(nameof(Endpoints))]
    public async Task text_that_cannot_be_read_or_stored_is_refused_with_its_place(string name)
    {
        var (endpoint, bearer) = (Find(name), await CredentialsAsync(name));
        var path = Parameter().Replace(endpoint.RoutePattern.RawText!, match => match.Value.Contains("document", StringComparison.Ordinal) ? "v1" : Guid.NewGuid().ToString());
        foreach (var (parameter, fault) in QueryOf(endpoint).SelectMany(_ => InAddress, (parameter, fault) => (parameter, fault)))
        {
            await IsRefusedAsync(name, bearer, $"{path}?{parameter}={fault}", null, parameter);
        }

        foreach (var (body, place, fault) in BodiesOf(name, endpoint).SelectMany(_ => InJson, (body, fault) => (body.Body, body.Place, fault)))
        {
            var content = new ByteArrayContent(Encoding.Latin1.GetBytes(body.Replace("FAULT", fault, StringComparison.Ordinal)));
            content.Headers.ContentType = new("application/json");
            if (name.StartsWith("POST /v1/", StringComparison.Ordinal) && fault.EndsWith("0000", StringComparison.Ordinal))
            {
                // A model may be told of NUL: it is a character, and the text is not stored.
                using var passed = await SendAsync(name, bearer, path, content);
                Assert.True((int)passed.StatusCode < 500, $"{body}: {passed.StatusCode}");
            }
            else
            {
                await IsRefusedAsync(name, bearer, path, content, place);
            }
        }

        Assert.DoesNotContain(stack.Api.Logs.Entries, entry => entry.Level >= LogLevel.Error);
    }

    [Theory]
    [MemberData(nameof(Endpoints))]
    public async Task in_a_header_or_another_body_it_is_no_failure_of_the_server(string name)
    {
        var (endpoint, bearer) = (Find(name), await CredentialsAsync(name));
        var path = Parameter().Replace(endpoint.RoutePattern.RawText!, Guid.NewGuid().ToString());
        foreach (var fault in (string[])["caf\xe9", "\xed\xa0\x80"])
        {
            var content = new ByteArrayContent(Encoding.Latin1.GetBytes($"day,provider,model,prompt_tokens,completion_tokens,cost_usd\n2026-11-22,{fault}\0,m\0,1,1,1\n"));
            content.Headers.ContentType = new("text/csv");
            using var other = await SendAsync(name, bearer, path, content);
            Assert.True((int)other.StatusCode < 500, $"{name}: {other.StatusCode}");
            foreach (var header in (string[])["Last-Event-ID", "User-Agent", "x-request-id", "Accept-Language", "traceparent", "tracestate", "baggage", "Idempotency-Key"])
            {
                Assert.InRange(await SendRawAsync(name, bearer, path, header, fault), 200, 499);
            }
        }
    }

    [Theory]
    [InlineData("/v1/models/a%E9")]
    [InlineData("/v1/models/%ED%A0%80")]
    [InlineData("/v1/models/a%00")]
    [InlineData("/conversations/a%E9")]
    [InlineData("/nowhere/%FF")]
    public async Task in_a_path_it_is_no_failure_of_the_server(string path) =>
        Assert.InRange(await SendRawAsync("GET /v1/models", (await stack.CreateKeyAsync()).Secret, path, "Accept", "*/*"), 400, 404);

    [Fact]
    public async Task a_body_in_another_encoding_is_415()
    {
        var content = new StringContent("""{"name":"café","text":"a"}""", Encoding.Latin1, "application/json");

        using var response = await SendAsync("POST /prompts", await CredentialsAsync("POST /prompts"), "/prompts", content);

        await response.IsProblemAsync(HttpStatusCode.UnsupportedMediaType, "content_type_unsupported");
    }

    [Fact]
    public async Task a_byte_order_mark_hides_nothing()
    {
        var content = new ByteArrayContent(Encoding.UTF8.GetBytes($$"""{{'\ufeff'}}{"name":"a","text":"a\u0000"}"""));
        content.Headers.ContentType = new("application/json");

        await IsRefusedAsync("POST /prompts", await CredentialsAsync("POST /prompts"), "/prompts", content, "text");
    }

    [Fact]
    public async Task every_other_character_is_kept()
    {
        const string Text = "é 😀 \ufffe \u0001 \\ud800 \u2028";
        var content = new StringContent(JsonSerializer.Serialize(new { name = $"kept {Guid.NewGuid():N}", text = Text }), Encoding.UTF8, "application/json");

        using var response = await SendAsync("POST /prompts", await CredentialsAsync("POST /prompts"), "/prompts", content);

        Assert.Contains(Text, (await response.ReadAsync(HttpStatusCode.Created)).EnumerateObject().Select(field => field.Value.ToString()));
    }

    private async Task IsRefusedAsync(string name, string? bearer, string path, HttpContent? content, string place)
    {
        using var response = await SendAsync(name, bearer, path, content);
        var text = await response.Content.ReadAsStringAsync(Token);
        Assert.True(response.StatusCode == HttpStatusCode.BadRequest, $"{name} {path} {place}: {response.StatusCode} {text}");
        var problem = JsonDocument.Parse(text).RootElement;
        var (code, words) = path.StartsWith("/v1", StringComparison.Ordinal)
            ? (problem.GetProperty("error").GetProperty("code").GetString(), problem.GetProperty("error").GetProperty("message").GetString())
            : (problem.GetProperty("code").GetString(), problem.GetProperty("detail").GetString());
        Assert.Equal("text_invalid", code);
        Assert.Contains($"'{place}'", words, StringComparison.Ordinal);
    }

    private async Task<HttpResponseMessage> SendAsync(string name, string? bearer, string path, HttpContent? content)
    {
        using var request = new HttpRequestMessage(HttpMethod.Parse(name.Split(' ')[0]), path) { Content = content };
        if (bearer is not null)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", bearer);
        }

        return await stack.Client.SendAsync(request, Token);
    }

    private async Task<string?> CredentialsAsync(string name) => EndpointRules.All[name].Who switch
    {
        Who.Everybody => null,
        Who.ApiKey => (await stack.CreateKeyAsync()).Secret,
        Who.Operator => (await stack.Client.SignInAsync("operator@demo.local", "Demo-1234!")).Access,
        _ => (await stack.Client.SignInAsync("pro@demo.local", "Demo-1234!")).Access,
    };

    /// <summary>As bytes, for what HTTP clients do not send.</summary>
    /// <returns>The status.</returns>
    private async Task<int> SendRawAsync(string name, string? bearer, string path, string header, string value)
    {
        using var connection = new TcpClient();
        await connection.ConnectAsync(stack.BaseUrl.Host, stack.BaseUrl.Port, Token);
        await using var stream = connection.GetStream();
        await stream.WriteAsync(Encoding.Latin1.GetBytes(
            $"{name.Split(' ')[0]} {path} HTTP/1.1\r\nHost: api\r\nConnection: close\r\nAuthorization: Bearer {bearer}\r\nContent-Length: 0\r\n{header}: {value}\r\n\r\n"), Token);
        using var reader = new StreamReader(stream);
        return int.Parse((await reader.ReadLineAsync(Token))!.Split(' ')[1], null);
    }

    private RouteEndpoint Find(string name) => stack.Api.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>().First(endpoint =>
        name.EndsWith($" {endpoint.RoutePattern.RawText!.TrimEnd('/')}", StringComparison.Ordinal)
        && (endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods.Contains(name.Split(' ')[0]) ?? true));

    /// <summary>The parameters of its query that are text, and one that it does not know.</summary>
    private static IEnumerable<string> QueryOf(RouteEndpoint endpoint) =>
        (endpoint.Metadata.GetMetadata<MethodInfo>()?.GetParameters() ?? [])
            .SelectMany(parameter => parameter.GetCustomAttributes().Any(attribute => attribute.GetType().Name == "AsParametersAttribute")
                ? parameter.ParameterType.GetProperties().Select(property => (property.Name, property.PropertyType))
                : [(parameter.Name!, parameter.ParameterType)])
            .Where(parameter => parameter.Item2 == typeof(string) || parameter.Item2 == typeof(string[]))
            .Select(parameter => JsonNamingPolicy.CamelCase.ConvertName(parameter.Item1))
            .Except(endpoint.RoutePattern.Parameters.Select(parameter => parameter.Name))
            .Append("other");

    /// <summary>A body with FAULT in each place that is text, and where that is.</summary>
    private static IEnumerable<(string Body, string Place)> BodiesOf(string name, RouteEndpoint endpoint) => name switch
    {
        "POST /v1/chat/completions" =>
        [
            ("""{"model":"chat-default","messages":[{"role":"user","content":"FAULT"}]}""", "messages[0].content"),
            ("""{"model":"FAULT","messages":[{"role":"user","content":"hi"}]}""", "model"),
        ],
        _ when endpoint.Metadata.GetMetadata<IAcceptsMetadata>() is { RequestType: { } type } => TextsOf(type, "", 0).Append(("""{"other":["FAULT"]}""", "other[0]")).Append(("""{"a":{"FAULT":1}}""", "a")),
        _ => [],
    };

    private static IEnumerable<(string Body, string Place)> TextsOf(Type type, string place, int depth)
    {
        foreach (var property in depth > 3 || type.Namespace?.StartsWith("System", StringComparison.Ordinal) == true ? [] : type.GetProperties(BindingFlags.Public | BindingFlags.Instance))
        {
            var field = JsonNamingPolicy.CamelCase.ConvertName(property.Name);
            var path = place.Length == 0 ? field : $"{place}.{field}";
            var item = property.PropertyType.IsArray ? property.PropertyType.GetElementType() : property.PropertyType.GetGenericArguments().FirstOrDefault();
            var isList = property.PropertyType != typeof(string) && typeof(IEnumerable).IsAssignableFrom(property.PropertyType) && item is not null;
            IEnumerable<(string Body, string Place)> inside = property.PropertyType == typeof(string) ? [("\"FAULT\"", path)]
                : isList ? (item == typeof(string) ? [("\"FAULT\"", $"{path}[0]")] : TextsOf(item!, $"{path}[0]", depth + 1))
                : TextsOf(property.PropertyType, path, depth + 1);
            foreach (var (body, at) in inside)
            {
                yield return ($"{{\"{field}\":{(isList ? $"[{body}]" : body)}}}", at);
            }
        }
    }

    [GeneratedRegex(@"\{[^}]+\}")]
    private static partial Regex Parameter();
}
