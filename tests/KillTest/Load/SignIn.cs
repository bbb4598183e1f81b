using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;

namespace LlmAspire.KillTest.Load;

/// <summary>Signs people in as the product has it. Before anything is killed: nothing is tried again.</summary>
/// <param name="api">Where they sign in: it knows them from then on, the other Api does not.</param>
internal sealed class SignIn(Uri api) : IDisposable
{
    private readonly HttpClient _http = new() { BaseAddress = api };

    /// <summary>A demo account.</summary>
    public Task<Person> DemoAsync(string name, params string[] models) => SignInAsync(name, $"{name}@demo.local", "Demo-1234!", models);

    /// <summary>A new account with a new organisation, which has the plan of new ones.</summary>
    public async Task<Person> RegisterAsync(string name, params string[] models)
    {
        var (email, password) = ($"{name}@example.org", Guid.NewGuid().ToString());
        await PostAsync("/identity/register", null, new { email, password, organisationName = name });
        return await SignInAsync(name, email, password, models);
    }

    public void Dispose() => _http.Dispose();

    private async Task<Person> SignInAsync(string name, string email, string password, string[] models)
    {
        var tokens = await PostAsync("/identity/login", null, new { email, password });
        var token = tokens.GetProperty("accessToken").GetString();
        var key = await PostAsync("/identity/api-keys", token, new { name = "kill test" });
        using var request = new HttpRequestMessage(HttpMethod.Get, "/identity/me") { Headers = { Authorization = new("Bearer", token) } };
        using var response = await _http.SendAsync(request);
        var me = await response.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<JsonElement>();
        return new Person(name, me.GetProperty("organisation").GetProperty("id").GetGuid(), key.GetProperty("key").GetString()!, models);
    }

    private async Task<JsonElement> PostAsync(string path, string? token, object body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = JsonContent.Create(body) };
        request.Headers.Authorization = token is null ? null : new AuthenticationHeaderValue("Bearer", token);
        using var response = await _http.SendAsync(request);
        return await response.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<JsonElement>();
    }
}
