<?php
/* Makes a WordPress in an empty database, and people in it, with WordPress's own functions.
   Standard input: JSON of database, url, password and people; see wordpress.py. */

$told = json_decode(stream_get_contents(STDIN), true);
foreach ($told['database'] as $name => $value) {
    define($name, $value);
}
define('DB_CHARSET', 'utf8mb4');
define('DB_COLLATE', '');
define('ABSPATH', $told['code']);
define('WP_INSTALLING', true);
define('WP_HTTP_BLOCK_EXTERNAL', true);
define('WP_SITEURL', $told['url']);
$table_prefix = 'wp_';
$_SERVER['HTTP_HOST'] = 'localhost';

function wp_mail(...$ignored) { return true; }  // WordPress leaves its own out where there is one

require ABSPATH . 'wp-settings.php';
require ABSPATH . 'wp-admin/includes/upgrade.php';
add_filter('pre_http_request', fn() => new WP_Error('offline'));

wp_install('Example', 'owner', 'owner@example.com', false, '', wp_generate_password());
populate_roles();
wp_roles()->for_site();
add_role('sales_team', 'Sales team');

foreach ($told['people'] as $login => $person) {
    $more = $person['more'] ?? [];
    unset($person['more']);
    $id = wp_insert_user(['user_login' => $login, 'user_pass' => $told['password'], ...$person]);
    if (is_wp_error($id)) {
        fwrite(STDERR, $login . ': ' . $id->get_error_code() . "\n");
        exit(1);
    }
    $user = new WP_User($id);
    foreach ($more['roles'] ?? [] as $role) {
        $user->add_role($role);
    }
    foreach ($more['capabilities'] ?? [] as $capability => $granted) {
        $user->add_cap($capability, $granted);
    }
    if (isset($more['bcrypt'])) {  // as plugins for bcrypt do before WordPress 6.8
        $hash = password_hash($told['password'], PASSWORD_BCRYPT, ['cost' => $more['bcrypt']]);
        $wpdb->update($wpdb->users, ['user_pass' => $hash], ['ID' => $id]);
    }
    if (isset($more['email'])) {  // what no form takes, and old databases have
        $wpdb->update($wpdb->users, ['user_email' => $more['email']], ['ID' => $id]);
    }
}
echo get_bloginfo('version');
